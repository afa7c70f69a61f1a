import { describe, expect, it } from 'vitest';
import { impersonationNeed } from './impersonation.ts';
import { auditEvent, short, user } from './testing/audit-event.ts';
import type { AuditEvent, Permission, UserInfo } from './types.ts';

const asked: Permission = {
  verb: 'list',
  apiGroup: 'apps',
  resource: 'deployments',
  namespace: 'dev',
  name: '',
  path: '',
};

function needOf(
  wanted: Partial<UserInfo>,
  overrides: Partial<AuditEvent> = {},
): ReturnType<typeof impersonationNeed> {
  return impersonationNeed(auditEvent({ impersonatedUser: user(wanted), ...overrides }), asked);
}

function permissions(wanted: Partial<UserInfo>, impersonationConstraint = ''): readonly string[] | undefined {
  return needOf(wanted, { impersonationConstraint })?.permissions.map(short);
}

const AUTHENTICATED = ['system:authenticated'];

describe('row 8: what legacy impersonation needs', () => {
  it.each<[string, Partial<UserInfo>, string[]]>([
    ['a user', { username: 'bob' }, ['impersonate /users :bob']],
    [
      'a user in groups',
      { username: 'bob', groups: ['dev', 'sre', ...AUTHENTICATED] },
      ['impersonate /users :bob', 'impersonate /groups :dev', 'impersonate /groups :sre'],
    ],
    [
      'a UID and extra values',
      { username: 'bob', uid: '7', groups: [], extra: [['scopes', ['a', 'b', 'a']], ['k', ['v']]] }, // prettier-ignore
      [
        'impersonate /users :bob',
        'impersonate authentication.k8s.io/uids :7',
        'impersonate authentication.k8s.io/userextras/scopes :a',
        'impersonate authentication.k8s.io/userextras/scopes :b',
        'impersonate authentication.k8s.io/userextras/k :v',
      ],
    ],
    [
      'a service account, whose groups the server adds',
      {
        username: 'system:serviceaccount:ns:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
      ['impersonate /serviceaccounts ns:app'],
    ],
    [
      'a service account with a group, which the server adds none to',
      {
        username: 'system:serviceaccount:ns:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'extra', 'system:authenticated'],
      },
      [
        'impersonate /serviceaccounts ns:app',
        'impersonate /groups :system:serviceaccounts',
        'impersonate /groups :system:serviceaccounts:ns',
        'impersonate /groups :extra',
      ],
    ],
    [
      "a service account with another namespace's group",
      {
        username: 'system:serviceaccount:ns:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:other', 'system:authenticated'],
      },
      [
        'impersonate /serviceaccounts ns:app',
        'impersonate /groups :system:serviceaccounts',
        'impersonate /groups :system:serviceaccounts:other',
      ],
    ],
    [
      'the anonymous user',
      { username: 'system:anonymous', groups: ['system:unauthenticated'] },
      ['impersonate /users :system:anonymous'],
    ],
    [
      'a user made unauthenticated',
      { username: 'bob', groups: ['system:unauthenticated'] },
      ['impersonate /users :bob', 'impersonate /groups :system:unauthenticated'],
    ],
    [
      'a node with its group',
      { username: 'system:node:n1', groups: ['system:nodes', ...AUTHENTICATED] },
      ['impersonate /users :system:node:n1', 'impersonate /groups :system:nodes'],
    ],
    [
      'a group twice',
      { username: 'bob', groups: ['dev', 'dev'] },
      ['impersonate /users :bob', 'impersonate /groups :dev'],
    ],
    [
      'an extra without a key',
      { username: 'bob', groups: [], extra: [['', ['v']]] },
      ['impersonate /users :bob', 'impersonate authentication.k8s.io/userextras :v'],
    ],
  ])('%s', (_, wanted, expected) => {
    expect(permissions(wanted)).toEqual(expected);
  });
});

describe('what constrained impersonation (KEP-5284) needs', () => {
  it.each<[string, Partial<UserInfo>, string[]]>([
    [
      'impersonate:user-info',
      { username: 'bob', uid: '7', groups: ['dev', ...AUTHENTICATED], extra: [['k', ['v']]] },
      [
        'impersonate:user-info authentication.k8s.io/users :bob',
        'impersonate:user-info authentication.k8s.io/groups :dev',
        'impersonate:user-info authentication.k8s.io/uids :7',
        'impersonate:user-info authentication.k8s.io/userextras/k :v',
        'impersonate-on:user-info:list apps/deployments dev:',
      ],
    ],
    [
      'impersonate:serviceaccount',
      {
        username: 'system:serviceaccount:ns:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns'],
      },
      [
        'impersonate:serviceaccount authentication.k8s.io/serviceaccounts ns:app',
        'impersonate-on:serviceaccount:list apps/deployments dev:',
      ],
    ],
    [
      'impersonate:arbitrary-node',
      { username: 'system:node:n1', groups: ['system:nodes', ...AUTHENTICATED] },
      [
        'impersonate:arbitrary-node authentication.k8s.io/nodes :n1',
        'impersonate-on:arbitrary-node:list apps/deployments dev:',
      ],
    ],
    [
      'impersonate:associated-node',
      { username: 'system:node:n1', groups: ['system:nodes', ...AUTHENTICATED] },
      [
        'impersonate:associated-node authentication.k8s.io/nodes :*',
        'impersonate-on:associated-node:list apps/deployments dev:',
      ],
    ],
  ])('%s', (constraint, wanted, expected) => {
    expect(permissions(wanted, constraint)).toEqual(expected);
  });

  it('on a non-resource request keeps its path', () => {
    const path: Permission = {
      ...asked,
      verb: 'get',
      apiGroup: '',
      resource: '',
      namespace: '',
      path: '/metrics',
    };
    const event = auditEvent({
      impersonatedUser: user({ username: 'bob' }),
      impersonationConstraint: 'impersonate:user-info',
    });
    expect(impersonationNeed(event, path)?.permissions.at(-1)).toEqual({
      ...path,
      verb: 'impersonate-on:user-info:get',
    });
  });
});

describe('impersonationNeed', () => {
  it('belongs to the real user, with their groups', () => {
    expect(needOf({ username: 'bob' })).toMatchObject({
      subject: { kind: 'User', namespace: '', name: 'alice' },
      groups: ['system:authenticated'],
      viaRbac: true,
      grantingGroup: '',
    });
  });

  it('needs no rule for a member of system:masters', () => {
    expect(needOf({ username: 'bob' }, { user: user({ groups: ['system:masters'] }) })?.viaRbac).toBe(false);
  });

  it('is nothing without impersonation or without names', () => {
    expect(impersonationNeed(auditEvent(), asked)).toBeUndefined();
    expect(needOf({ username: '' })).toBeUndefined();
    expect(needOf({ username: 'bob' }, { user: user({ username: '' }) })).toBeUndefined();
  });

  it('has no NUL', () => {
    const need = needOf(
      { username: 'b\0', uid: '\0', groups: ['\0'], extra: [['\0', ['\0']]] },
      { impersonationConstraint: 'impersonate:user-info\0' },
    );
    expect(JSON.stringify(need)).not.toContain(String.raw`\u0000`);
  });
});
