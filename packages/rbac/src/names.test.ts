import type { Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { looksGenerated, objectName, templateLabel, templateName } from './names.ts';

const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });
const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });

const WHATS = ['role', 'clusterrole', 'role-binding', 'clusterrole-binding'] as const;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

const part = fc.oneof(
  fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.constantFrom('a.b', 'a-b', 'A.B', 'a-b-', 'a@b', 'a:b', 'x-0123456789ab', 'system:kube-scheduler'),
);
const subject: fc.Arbitrary<Subject> = fc.oneof(
  part.map(user),
  part.map((name): Subject => ({ kind: 'Group', namespace: '', name })),
  fc
    .tuple(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/), part)
    .map(([ns, name]) => account(ns, name)),
);

describe('names of objects', () => {
  test.each([
    [account('shop', 'cart'), 'role', 'suggested-sa-shop.cart-role'],
    [account('shop', 'cart'), 'clusterrole-binding', 'suggested-sa-shop.cart-clusterrole-binding'],
    [account('kube-system', 'job-controller'), 'role', 'suggested-sa-kube-system.job-controller-role'],
    [
      account('kube-system', 'replicaset-controller'),
      'role',
      'suggested-sa-kube-system.replica-e6936237b33d-role',
    ],
    [user('alice'), 'role-binding', 'suggested-user-alice-role-binding'],
    [{ kind: 'Group', namespace: '', name: 'devs' }, 'clusterrole', 'suggested-group-devs-clusterrole'],
  ] as const)('%o as %s', (of, what, expected) => {
    expect(objectName(of, what)).toBe(expected);
  });

  test('are valid, at most 50 characters and lower case', () => {
    fc.assert(
      fc.property(subject, fc.constantFrom(...WHATS), (of, what) => {
        expect(objectName(of, what)).toMatch(/^[a-z0-9][a-z0-9.-]{0,48}[a-z0-9]$/);
      }),
    );
  });

  test('are injective: no two subjects share one, whatever their names fold to', () => {
    fc.assert(
      fc.property(subject, subject, fc.constantFrom(...WHATS), (a, b, what) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(objectName(a, what)).not.toBe(objectName(b, what));
      }),
      { numRuns: 2000 },
    );
    const folding = ['a.b', 'a-b', 'A.B', 'a_b', 'a@b', 'a:b'].map((name) => objectName(user(name), 'role'));
    expect(new Set(folding).size).toBe(folding.length);
  });

  test('a name that poses as the folded form of another gets a hash of its own', () => {
    const folded = objectName(user('A.B'), 'role');
    const posing = folded.replace(/^suggested-user-/, '').replace(/-role$/, '');
    expect(objectName(user(posing), 'role')).not.toBe(folded);
  });

  test('two namespaces keep the same service account apart', () => {
    expect(objectName(account('ns1', 'app'), 'clusterrole')).not.toBe(
      objectName(account('ns2', 'app'), 'clusterrole'),
    );
    expect(objectName(account('a-b', 'c'), 'role')).not.toBe(objectName(account('a', 'b-c'), 'role'));
  });

  test('the word binding in a name is not taken for a role', () => {
    expect(objectName(user('my-role-sa'), 'role-binding')).toBe('suggested-user-my-role-sa-role-binding');
  });
});

test('shared roles of one subject are told apart within 50 characters', () => {
  for (const what of WHATS) {
    const names = ['x', 'y', ''].map((extra) =>
      objectName(account('kube-system', 'replicaset-controller'), what, extra),
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9.-]{0,48}[a-z0-9]$/);
  }
});

describe('templates', () => {
  test.each([
    ['audit2rbac:${user}', user('alice'), 'audit2rbac:alice'],
    ['audit2rbac:${user}', account('ns1', 'sa1'), 'audit2rbac:sa1'],
    ['audit2rbac:${user}', account('ns1', 'default'), 'audit2rbac:system:serviceaccount:ns1:default'],
    ['fixed', user('alice'), 'fixed'],
    ['x:${subject}', account('ns1', 'sa1'), 'x:ns1:sa1'],
    ['x:${subject}', user('alice'), 'x:alice'],
  ])('%s for %o', (template, of, expected) => {
    expect(templateName(template, of)).toBe(expected);
  });

  test('labels are valid whatever the name: 63 characters, no hyphen at the end', () => {
    expect(templateLabel('${user}', user('alice-b@example.com!'))).toMatch(LABEL_VALUE);
    fc.assert(
      fc.property(subject, (of) => {
        expect(templateLabel('${user}', of)).toMatch(LABEL_VALUE);
      }),
    );
    expect(templateLabel('${user}', account('n'.repeat(63), 's'.repeat(200)))).toHaveLength(63);
  });
});

describe('generated names', () => {
  test.each([
    'web-7d4b9c6f5-xk2lp',
    'fluent-bit-x7k2q',
    'backup-28374920',
    'backup-28374920-bcdfg',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    'cart.17a3b4c5d6e7f809',
    'sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ])('%s looks generated', (name) => {
    expect(looksGenerated(name)).toBe(true);
  });

  test.each([
    'mylock',
    'kube-root-ca.crt',
    'coredns',
    'cert-manager-controller',
    'node-1',
    'app-config-v2',
    'web-0',
  ])('%s does not', (name) => {
    expect(looksGenerated(name)).toBe(false);
  });
});
