import type { Permission, Subject } from '@leastwise/audit-event';
import { describe, expect, test } from 'vitest';

import { createAuthorizer } from '../authorizer/index.ts';
import { bootstrapDefaults, grantedByDefault } from './index.ts';

const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
const ANONYMOUS: Subject = { kind: 'User', namespace: '', name: 'system:anonymous' };
const SA: Subject = { kind: 'ServiceAccount', namespace: 'ns', name: 'app' };

const get = (path: string): Permission => ({
  verb: 'get',
  apiGroup: '',
  resource: '',
  namespace: '',
  name: '',
  path,
});
function review(apiGroup: string, resource: string): Permission {
  return { verb: 'create', apiGroup, resource, namespace: '', name: '', path: '' };
}

function isDefault(minor: number, permission: Permission, subject = ALICE): boolean {
  return grantedByDefault(subject, permission, createAuthorizer(bootstrapDefaults({ major: 1, minor })));
}

describe('bootstrapDefaults', () => {
  /** What `kubectl auth can-i --list` shows to a service account of Kubernetes 1.30 and later. */
  const served = [
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration/',
    '/api',
    '/api/v1',
    '/apis',
    '/apis/apps/v1',
    '/healthz',
    '/livez',
    '/openapi',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/openid/v1/jwks/',
    '/readyz',
    '/version',
    '/version/',
  ];
  test.each(served)('1.34 lets a service account get %s', (path) => {
    expect(isDefault(34, get(path), SA)).toBe(true);
    expect(isDefault(34, { ...get(path), verb: 'head' }, SA)).toBe(false);
  });

  test.each([
    '/',
    '/metrics',
    '/healthz/etcd',
    '/livez/ping',
    '/readyz/ping',
    '/logs',
    '/debug/pprof',
    '/apisx',
    '/ui',
  ])('and not %s', (path) => {
    expect(isDefault(34, get(path), SA)).toBe(false);
  });

  test('lets everybody authenticated ask about themselves', () => {
    expect(isDefault(34, review('authorization.k8s.io', 'selfsubjectaccessreviews'))).toBe(true);
    expect(isDefault(34, review('authorization.k8s.io', 'selfsubjectrulesreviews'))).toBe(true);
    expect(isDefault(34, review('authentication.k8s.io', 'selfsubjectreviews'))).toBe(true);
    expect(isDefault(34, review('authorization.k8s.io', 'subjectaccessreviews'))).toBe(false);
  });

  test('lets the anonymous see public information only', () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/version', '/version/']) {
      expect(isDefault(34, get(path), ANONYMOUS)).toBe(true);
    }
    for (const path of ['/api', '/apis', '/openapi/v2', '/openid/v1/jwks']) {
      expect(isDefault(34, get(path), ANONYMOUS)).toBe(false);
    }
    expect(isDefault(34, review('authorization.k8s.io', 'selfsubjectaccessreviews'), ANONYMOUS)).toBe(false);
  });

  test('gives issuer discovery to service accounts, not to users', () => {
    expect(isDefault(34, get('/openid/v1/jwks'))).toBe(false);
  });

  test('differs by version: nothing before it is there', () => {
    const whoami = review('authentication.k8s.io', 'selfsubjectreviews');
    expect([25, 28].map((minor) => isDefault(minor, whoami))).toEqual([false, true]);
    expect([17, 18].map((minor) => isDefault(minor, get('/livez')))).toEqual([false, true]);
    expect([13, 14].map((minor) => isDefault(minor, get('/healthz'), ANONYMOUS))).toEqual([false, true]);
    expect([19, 20].map((minor) => isDefault(minor, get('/openid/v1/jwks'), SA))).toEqual([false, true]);
    expect([27, 28].map((minor) => isDefault(minor, get('/openid/v1/jwks/'), SA))).toEqual([false, true]);
  });

  test('grows only, and knows versions to come', () => {
    for (let minor = 6; minor < 40; minor += 1) {
      const rules = JSON.stringify(
        bootstrapDefaults({ major: 1, minor }).map(({ metadata }) => metadata.name),
      );
      const next = JSON.stringify(
        bootstrapDefaults({ major: 1, minor: minor + 1 }).map(({ metadata }) => metadata.name),
      );
      expect(next.length).toBeGreaterThanOrEqual(rules.length);
    }
    expect(bootstrapDefaults({ major: 2, minor: 0 })).toEqual(bootstrapDefaults({ major: 1, minor: 99 }));
  });

  test('has no rule that the API server would refuse, and a binding for every role', () => {
    for (const minor of [6, 14, 20, 34]) {
      const objects = bootstrapDefaults({ major: 1, minor });
      for (const object of objects) {
        if (object.kind === 'Role' || object.kind === 'ClusterRole') {
          for (const rule of object.rules) {
            expect([...(rule.resources ?? []), ...(rule.nonResourceURLs ?? [])].length).toBeGreaterThan(0);
          }
        } else {
          expect(
            objects.some(
              ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === object.roleRef.name,
            ),
          ).toBe(true);
        }
      }
    }
  });
});

describe('grantedByDefault', () => {
  const defaults = createAuthorizer(bootstrapDefaults({ major: 1, minor: 34 }));

  test('knows no groups but those that a subject has always', () => {
    const secret = { ...review('', 'secrets'), namespace: 'ns' };
    const monitoring: Subject = { kind: 'Group', namespace: '', name: 'system:monitoring' };
    const masters: Subject = { kind: 'Group', namespace: '', name: 'system:masters' };
    expect(grantedByDefault(ALICE, get('/metrics'), defaults)).toBe(false);
    expect(grantedByDefault(ALICE, secret, defaults)).toBe(false);
    expect(grantedByDefault(monitoring, get('/metrics'), defaults)).toBe(true);
    expect(grantedByDefault(monitoring, get('/healthz/etcd'), defaults)).toBe(true);
    expect(grantedByDefault(masters, secret, defaults)).toBe(true);
  });
});
