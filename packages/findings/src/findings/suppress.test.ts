import { describe, expect, test } from 'vitest';

import { auditOf, binding, clusterBinding, clusterRole, NOW } from '../testing/objects.ts';
import { DEFAULT_VIOLATION_POLICY, type Suppression } from '../violation-policy/policy.ts';

const OBJECTS = [
  clusterRole('reader', ['get core secrets']),
  binding('shop/b', 'ClusterRole reader', ['ci']),
  clusterBinding('c', 'reader', ['User alice']),
];

function suppression(changes: Partial<Suppression> = {}): Suppression {
  return { check: 'R030', owner: 'bob', reason: 'known', until: '2026-07-01', line: 7, ...changes };
}

function suppressed(...suppressions: readonly Suppression[]) {
  const result = auditOf(OBJECTS, { policy: { ...DEFAULT_VIOLATION_POLICY, suppressions } });
  const marked = result.findings.filter((finding) => finding.suppressed !== undefined);
  return { ...result, names: marked.map(({ subject }) => subject?.name) };
}

describe('a suppression', () => {
  test('keeps the finding, and marks it with who answers for it', () => {
    const { findings, idle, expired } = suppressed(suppression({ namespace: 'shop' }));
    expect(findings).toHaveLength(2);
    expect(findings[1]?.suppressed).toEqual({ owner: 'bob', until: '2026-07-01', reason: 'known' });
    expect([idle, expired]).toEqual([[], []]);
  });

  test.each<[string, Partial<Suppression>, readonly string[]]>([
    ['by check alone', {}, ['alice', 'ci']],
    ['by namespace', { namespace: 'sh*' }, ['ci']],
    ['by subject', { subject: { kind: 'User', name: 'alice' } }, ['alice']],
    [
      'by the whole name of a service account',
      { subject: { name: 'system:serviceaccount:shop:ci' } },
      ['ci'],
    ],
    ['by object', { object: { kind: 'ClusterRole', name: 'reader' } }, ['alice', 'ci']],
    ['by an object of another kind', { object: { kind: 'Role', name: 'reader' } }, []],
    ['by an object of another namespace', { object: { namespace: 'shop', name: 'reader' } }, []],
    ['of another check', { check: 'R031' }, []],
    ['of another namespace', { namespace: 'store' }, []],
  ])('fits %s', (_, changes, names) => {
    const result = suppressed(suppression(changes));
    expect(result.names).toEqual(names);
    expect(result.idle).toHaveLength(names.length === 0 ? 1 : 0);
  });

  test('counts to the end of its last day, and then hides nothing and is told', () => {
    const last = new Date(NOW).toISOString().slice(0, 10);
    expect(suppressed(suppression({ until: last })).names).toHaveLength(2);
    const over = suppression({ until: '2026-06-30' });
    const result = suppressed(over);
    expect(result.names).toEqual([]);
    expect(result.expired).toEqual([over]);
    expect(result.idle).toEqual([]);
  });

  test('of several the one that holds longest is named', () => {
    const { findings } = suppressed(
      suppression({ owner: 'a' }),
      suppression({ owner: 'b', until: '2027-01-01' }),
    );
    expect(findings[0]?.suppressed?.owner).toBe('b');
  });
});
