import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attribute, createAttributeContext } from './attribute.ts';
import type { Attribution, GroupSelection } from './attribute.ts';
import { auditEvent, short, user } from './testing/audit-event.ts';
import type { AuditEvent, CountedRequest } from './types.ts';

const keyHex = '0001020304050607';
const context = createAttributeContext({ keyHex });

function outcomeOf(overrides: Partial<AuditEvent>, group?: GroupSelection): Attribution {
  const chosen = group === undefined ? context : createAttributeContext({ keyHex, group });
  return attribute(auditEvent(overrides), 'default', chosen);
}

function requestOf(overrides: Partial<AuditEvent> = {}, group?: GroupSelection): CountedRequest {
  const attribution = outcomeOf(overrides, group);
  if (attribution.kind !== 'request') throw new Error(`not a request: ${JSON.stringify(attribution)}`);
  return attribution.request;
}

/** `allowed`, `denied`, or why not. */
function verdictOf(overrides: Partial<AuditEvent>, group?: GroupSelection): string {
  const attribution = outcomeOf(overrides, group);
  switch (attribution.kind) {
    case 'request':
      return attribution.request.outcome;
    case 'skip':
      return attribution.reason;
    case 'received':
      return 'received';
  }
}

describe('row 7: allowed and denied', () => {
  it.each([
    ['allow', 200, 'allowed'],
    ['allow', 201, 'allowed'],
    ['allow', 101, 'allowed'],
    ['allow', 404, 'allowed'],
    ['allow', 409, 'allowed'],
    ['allow', 403, 'allowed'],
    ['allow', 429, 'allowed'],
    ['allow', 500, 'allowed'],
    ['allow', 0, 'allowed'],
    ['allow', 401, 'unauthenticated'],
    ['forbid', 403, 'denied'],
    ['forbid', 0, 'denied'],
    ['forbid', 401, 'unauthenticated'],
    ['', 200, 'allowed'],
    ['', 404, 'allowed'],
    ['', 500, 'undecided'],
    ['', 0, 'undecided'],
    ['', 400, 'undecided'],
    ['', 401, 'unauthenticated'],
    ['', 403, 'denied'],
    ['', 429, 'throttled'],
    ['Allow', 403, 'denied'],
  ])('decision %j with code %d: %s', (decision, code, expected) => {
    expect(verdictOf({ decision, code })).toBe(expected);
  });

  it('a 401 appears at ResponseStarted, without a user', () => {
    const event = {
      stage: 'ResponseStarted',
      code: 401,
      decision: '',
      user: user({ username: '' }),
    } as const;
    expect(verdictOf(event)).toBe('unauthenticated');
  });

  it.each([
    'users "bob" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
    'users.authentication.k8s.io "bob" is forbidden: User "alice" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
  ])('a refused impersonation is not a denied request: %s', (statusMessage) => {
    expect(verdictOf({ decision: '', code: 403, statusMessage })).toBe('impersonation-refused');
    expect(verdictOf({ decision: 'forbid', code: 403, statusMessage })).toBe('denied');
    expect(verdictOf({ decision: 'allow', code: 403, statusMessage })).toBe('allowed');
  });

  it.each(['ResponseStarted', 'ResponseComplete', 'Panic'] as const)('counts at the stage %s', (stage) => {
    expect(requestOf({ stage })).toEqual(requestOf());
  });
});

describe('row 6: RequestReceived', () => {
  const received = { stage: 'RequestReceived', code: 0, decision: '', reason: undefined } as const;

  it('counts for nothing, and is found again by its identity', () => {
    expect(outcomeOf(received)).toEqual({
      kind: 'received',
      identity: requestOf().identity,
      cluster: 'default',
      auditID: requestOf().auditID,
      receivedAtUs: requestOf().receivedAtUs,
    });
  });

  it.each<Partial<AuditEvent>>([
    {},
    { impersonatedUser: user({ username: 'bob' }) },
    { code: 401 },
    { code: 429, decision: '' },
    { requestURI: '/api/v1//x' },
  ])('is found again after %j', (overrides) => {
    const first = outcomeOf({ ...received, ...overrides, code: 0, impersonatedUser: undefined });
    const last = outcomeOf(overrides);
    if (first.kind !== 'received' || last.kind === 'received') throw new Error('wrong kinds');
    expect(last.receivedIdentity).toEqual(first.identity);
  });
});

describe('seen on a real kube-apiserver', () => {
  it('server-side apply without create is refused after the authorizer allowed the patch', () => {
    const request = requestOf({
      verb: 'patch',
      requestURI: '/api/v1/namespaces/dev/configmaps/c?fieldManager=kubectl',
      code: 403,
      statusMessage: 'configmaps "c" is forbidden: User "alice" cannot create resource "configmaps"',
    });
    expect(request.outcome).toBe('allowed');
    expect(request.need.permissions.map(short)).toEqual(['patch /configmaps dev:c']);
  });

  it('a refused request has an empty reason, which does not mean system:masters', () => {
    expect(requestOf({ decision: 'forbid', code: 403, reason: '' }).need.viaRbac).toBe(true);
  });
});

describe('who a request belongs to', () => {
  it('is the user', () => {
    const request = requestOf({ userAgent: 'kubectl-dispatcher/v1.0 (linux/amd64)' });
    expect(request).toMatchObject({ cluster: 'default', client: 'kubectl', impersonation: undefined });
    expect(request.need).toMatchObject({
      subject: { kind: 'User', namespace: '', name: 'alice' },
      groups: ['system:authenticated'],
      viaRbac: true,
      grantingGroup: '',
    });
  });

  it('is the service account', () => {
    const { need } = requestOf({ user: user({ username: 'system:serviceaccount:ns:app' }) });
    expect(need.subject).toEqual({ kind: 'ServiceAccount', namespace: 'ns', name: 'app' });
  });

  it('row 8: is the impersonated user, while the real one needs impersonate, even for a refused request', () => {
    for (const decision of ['allow', 'forbid']) {
      const impersonatedUser = user({ username: 'bob', groups: ['dev', 'system:authenticated'] });
      const { need, impersonation } = requestOf({ decision, impersonatedUser });
      expect(need.subject.name).toBe('bob');
      expect(need.groups).toEqual(['dev', 'system:authenticated']);
      expect(impersonation?.subject.name).toBe('alice');
      expect(impersonation?.permissions.map(short)).toEqual([
        'impersonate /users :bob',
        'impersonate /groups :dev',
      ]);
    }
  });

  it('is told apart by its impersonated user', () => {
    const [bob, eve] = ['bob', 'eve'].map((username) => requestOf({ impersonatedUser: user({ username }) }));
    expect(bob?.identity).not.toEqual(eve?.identity);
  });

  it('constrained impersonation is checked on the request itself, not on its secondary create', () => {
    const { impersonation } = requestOf({
      verb: 'patch',
      code: 201,
      impersonatedUser: user({ username: 'bob' }),
      impersonationConstraint: 'impersonate:user-info',
    });
    expect(impersonation?.permissions.map(short)).toEqual([
      'impersonate:user-info authentication.k8s.io/users :bob',
      'impersonate-on:user-info:patch /pods dev:p1',
    ]);
  });

  it.each<[string, Partial<AuditEvent>]>([
    ['no username', { user: user({ username: '' }) }],
    ['no impersonated username', { impersonatedUser: user({ username: '' }) }],
    ['no URI and no objectRef', { requestURI: '' }],
    ['a malformed URI', { requestURI: '/api/v1/pods/%zz' }],
    ['no resource', { requestURI: '/api/v1//x' }],
  ])('is nobody, or nothing was asked: %s', (_, overrides) => {
    expect(verdictOf(overrides)).toBe('unattributable');
  });
});

describe('row 19: the granting group, and other authorizers', () => {
  const toGroup = (group: string): string =>
    `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "${group}"`;

  it.each([
    [undefined, true, ''],
    ['', false, ''],
    ['access granted by IAM permissions.', false, ''],
    [toGroup('sre'), true, 'sre'],
    [toGroup('system:masters'), false, 'system:masters'],
  ])('reason %j: viaRbac %s, group %j', (reason, viaRbac, grantingGroup) => {
    expect(requestOf({ reason }).need).toMatchObject({ viaRbac, grantingGroup });
  });

  it('a refused request was granted by nobody', () => {
    const { need } = requestOf({ decision: 'forbid', reason: toGroup('sre') });
    expect(need).toMatchObject({ grantingGroup: '', grantingBinding: undefined });
  });

  it('names the binding, for users and groups alike', () => {
    const ofGroup = {
      kind: 'ClusterRoleBinding',
      namespace: '',
      name: 'b',
      roleKind: 'ClusterRole',
      roleName: 'r',
    };
    expect(requestOf({ reason: toGroup('sre') }).need.grantingBinding).toEqual(ofGroup);
    const reason = 'RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"';
    const ofUser = { kind: 'RoleBinding', namespace: 'dev', name: 'rb1', roleKind: 'Role', roleName: 'r1' };
    expect(requestOf({ reason }).need.grantingBinding).toEqual(ofUser);
    expect(requestOf({ reason: undefined }).need.grantingBinding).toBeUndefined();
  });

  it('of an impersonated request it is the binding of the impersonated user', () => {
    const { need, impersonation } = requestOf({
      reason: toGroup('sre'),
      impersonatedUser: user({ username: 'bob' }),
    });
    expect(need.grantingBinding?.name).toBe('b');
    expect(impersonation?.grantingBinding).toBeUndefined();
  });

  it('--group by reason takes the requests that the reason names', () => {
    const group = { name: 'sre', by: 'reason' } as const;
    const request = requestOf({ reason: toGroup('sre') }, group);
    expect(request.need.subject).toEqual({ kind: 'Group', namespace: '', name: 'sre' });
    expect(verdictOf({ reason: toGroup('dev') }, group)).toBe('filtered');
    expect(verdictOf({ user: user({ groups: ['sre'] }) }, group)).toBe('filtered');
    expect(verdictOf({ reason: toGroup('sre'), code: 403, decision: 'forbid' }, group)).toBe('filtered');
  });

  it("--group by membership takes all of the members' requests, refused ones too", () => {
    const group = { name: 'sre', by: 'membership' } as const;
    const member = { user: user({ groups: ['sre'] }) };
    expect(requestOf(member, group).need.subject).toEqual({ kind: 'Group', namespace: '', name: 'sre' });
    expect(verdictOf({ ...member, decision: 'forbid', code: 403 }, group)).toBe('denied');
    expect(verdictOf({ reason: toGroup('sre') }, group)).toBe('filtered');
    expect(verdictOf({ ...member, impersonatedUser: user({ groups: [] }) }, group)).toBe('filtered');
  });

  it('--group leaves out what a member needed to impersonate', () => {
    const group = { name: 'sre', by: 'membership' } as const;
    const impersonatedUser = user({ username: 'bob', groups: ['sre'] });
    expect(requestOf({ impersonatedUser }, group).impersonation).toBeUndefined();
  });
});

describe('attribute', () => {
  it('depends on nothing but the event', () => {
    const events = [auditEvent(), auditEvent({ verb: 'list' }), auditEvent({ impersonatedUser: user() })];
    const forwards = events.map((event) => attribute(event, 'c', context));
    const backwards = events
      .toReversed()
      .map((event) => attribute(event, 'c', createAttributeContext({ keyHex })));
    expect(backwards.toReversed()).toEqual(forwards);
  });

  it('never throws, and leaves no NUL in what becomes a key', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '\0', '%00', 'namespaces', 'list', 'create'),
    );
    const uri = fc.array(text).map((parts) => `/api/v1/${parts.join('/')}`);
    const info = fc.record({
      username: text,
      uid: text,
      groups: fc.array(text),
      extra: fc.array(fc.tuple(text, fc.array(text))),
    });
    const ref = fc.record({ apiGroup: text, resource: text, subresource: text, namespace: text, name: text });
    const hostile = fc.record({
      requestURI: fc.oneof(uri, text),
      verb: text,
      user: info,
      impersonatedUser: fc.option(info, { nil: undefined }),
      objectRef: fc.option(ref, { nil: undefined }),
      userAgent: text,
      code: fc.constantFrom(0, 200, 201, 400, 403),
      decision: fc.constantFrom('', 'allow', 'forbid'),
      reason: fc.option(text, { nil: undefined }),
      impersonationConstraint: fc.oneof(text, fc.constant('impersonate:user-info')),
    });
    fc.assert(
      fc.property(hostile, (overrides) => {
        const attribution = outcomeOf(overrides);
        if (attribution.kind !== 'request') return;
        const { need, impersonation, namespaceLife } = attribution.request;
        const needs = [need, impersonation].map(
          (each) => each && [each.subject, each.permissions, each.grantingGroup, each.grantingBinding],
        );
        expect(JSON.stringify([needs, namespaceLife])).not.toContain(String.raw`\u0000`);
        for (const permission of need.permissions)
          expect(permission.resource === '').toBe(permission.path !== '');
      }),
      { numRuns: 500 },
    );
  });
});
