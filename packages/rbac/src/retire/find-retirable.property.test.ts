import { impliedGroups, type Permission, type Subject, subjectKey } from '@leastwise/audit-event';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ME, rule, wantedOf } from '../approved/testing/arbitrary.ts';
import { boundSubject, createAuthorizer } from '../authorizer/index.ts';
import { PERMISSIONS, rbacObjects } from '../authorizer/testing/arbitrary.ts';
import { createInference } from '../infer.ts';
import { DEFAULT_OPTIONS, EXACT_PRESET } from '../options.ts';
import { request, stateOf } from '../testing/requests.ts';
import type { BindingSubject, RbacObject } from '../types.ts';
import { findRetirable, type ManagedSubject, type Retirable } from './index.ts';

const V1 = 'rbac.authorization.k8s.io/v1' as const;
const GROUP = 'rbac.authorization.k8s.io';
const OPTIONS = { ...DEFAULT_OPTIONS, ...EXACT_PRESET };
const BOB: Subject = { kind: 'User', namespace: '', name: 'bob' };
const TEAM: Subject = { kind: 'Group', namespace: '', name: 'system:serviceaccounts:a' };
const LISTED: readonly BindingSubject[] = [
  { kind: 'ServiceAccount', name: 's1', namespace: 'a' },
  { apiGroup: GROUP, kind: 'User', name: 'bob' },
  { apiGroup: GROUP, kind: 'Group', name: 'system:serviceaccounts:a' },
  { apiGroup: GROUP, kind: 'User', name: 'stranger' },
];

/** Bindings that overlap, and cover each other often. */
const bindings: fc.Arbitrary<RbacObject[]> = fc
  .array(
    fc.record({
      namespace: fc.constantFrom('', '', 'a', 'b'),
      rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
      subjects: fc.uniqueArray(fc.constantFrom(...LISTED), { minLength: 1, maxLength: 3 }),
      isBootstrap: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 5 },
  )
  .map((parts) =>
    parts.flatMap(({ namespace, rules, subjects, isBootstrap }, i): RbacObject[] => {
      const name = `broad-${i}`;
      const labels = isBootstrap ? { 'kubernetes.io/bootstrapping': 'rbac-defaults' } : {};
      const base = {
        apiVersion: V1,
        roleRef: { apiGroup: GROUP, kind: 'ClusterRole' as const, name },
        subjects,
      };
      return [
        { apiVersion: V1, kind: 'ClusterRole', metadata: { name }, rules },
        namespace === ''
          ? { ...base, kind: 'ClusterRoleBinding', metadata: { name, labels } }
          : { ...base, kind: 'RoleBinding', metadata: { name, namespace, labels } },
      ];
    }),
  );

const asked = fc.array(
  fc.constantFrom(...PERMISSIONS.filter(({ resource, path }) => resource === 'pods' || path === '/a')),
  { maxLength: 6 },
);

function policyOf(subject: Subject, permissions: readonly Permission[]): ManagedSubject['wanted'] {
  const cluster = stateOf(permissions.map((each) => request({ subject, permissions: [each] })));
  const [state] = cluster.subjects.values();
  return state ? createInference(OPTIONS)(state, cluster) : wantedOf([], OPTIONS);
}

const mostly = fc.constantFrom(true, true, true, false);

/** Managed subjects; what is merged of their policies varies. */
const managed: fc.Arbitrary<{ asked: readonly Permission[]; managed: ManagedSubject }[]> = fc
  .tuple(...[ME, BOB, TEAM].map((subject) => fc.tuple(fc.constant(subject), asked, mostly, mostly)))
  .map((all) =>
    all.flatMap(([subject, permissions, isMerged, isManaged]) => {
      if (!isManaged) return [];
      const wanted = policyOf(subject, permissions);
      return [{ asked: permissions, managed: { subject, own: isMerged ? wanted.objects : [], wanted } }];
    }),
  );

/** The RBAC after every entry was carried out that needs no judgement. */
function retired(existing: readonly RbacObject[], entries: readonly Retirable[]): RbacObject[] {
  const byBinding = new Map(
    entries
      .filter(({ action }) => action !== 'via-group')
      .map((entry) => [entry.binding as RbacObject, entry]),
  );
  return existing.flatMap((object): RbacObject[] => {
    const entry = byBinding.get(object);
    if (!entry || !('subjects' in object)) return [object];
    return entry.action === 'delete-binding' ? [] : [{ ...object, subjects: entry.remaining }];
  });
}

test('with all of it carried out, nothing that was seen is refused', () => {
  let released = 0;
  let dropped = 0;
  fc.assert(
    fc.property(
      fc.oneof({ weight: 4, arbitrary: bindings }, { weight: 1, arbitrary: rbacObjects }),
      managed,
      (existing, subjects) => {
        const entries = findRetirable({
          existing,
          defaults: [],
          subjects: subjects.map((each) => each.managed),
        });
        const own = subjects.flatMap((each) => each.managed.own);
        const before = createAuthorizer([...existing, ...own]);
        const after = createAuthorizer([...retired(existing, entries), ...own]);
        for (const { managed: each, asked: permissions } of subjects) {
          const { subject, wanted } = each;
          const groups = impliedGroups(subject);
          const inferred = createAuthorizer(wanted.objects);
          const isListed = entries.some((entry) =>
            entry.released.some((one) => subjectKey(one) === subjectKey(subject)),
          );
          for (const permission of [...PERMISSIONS, ...permissions]) {
            const question = { subject, groups, permission };
            if (!permissions.includes(permission) && !inferred.authorize(question).allowed) continue;
            const isExcepted = wanted.exceptions.some(
              ({ cell }) => JSON.stringify(cell) === JSON.stringify(permission),
            );
            // Once something of a subject is listed, all that is wanted is proven.
            const isDue = (isListed && !isExcepted) || before.authorize(question).allowed;
            if (isDue) expect(after.authorize(question).allowed).toBe(true);
          }
        }
        released += entries.filter(({ action }) => action === 'delete-binding').length;
        dropped += entries.filter(({ action }) => action === 'drop-subjects').length;
      },
    ),
    { numRuns: 500 },
  );
  expect(released).toBeGreaterThan(50);
  expect(dropped).toBeGreaterThan(50);
});

test('those whom nobody knows keep all that they have', () => {
  const stranger: Subject = { kind: 'User', namespace: '', name: 'stranger' };
  fc.assert(
    fc.property(bindings, managed, (existing, subjects) => {
      const entries = findRetirable({
        existing,
        defaults: [],
        subjects: subjects.map((each) => each.managed),
      });
      const [before, after] = [createAuthorizer(existing), createAuthorizer(retired(existing, entries))];
      const known = new Set(subjects.map((each) => subjectKey(each.managed.subject)));
      for (const subject of [stranger, ME, BOB].filter((each) => !known.has(subjectKey(each)))) {
        const held = (authorizer: typeof before) =>
          PERMISSIONS.filter(
            (permission) => authorizer.authorize({ subject, groups: [], permission }).allowed,
          );
        expect(held(after)).toEqual(held(before));
      }
    }),
    { numRuns: 200 },
  );
});

test('a binding that could go besides all others is listed', () => {
  let left = 0;
  fc.assert(
    fc.property(bindings, managed, (existing, subjects) => {
      const input = { existing, defaults: [], subjects: subjects.map((each) => each.managed) };
      const entries = findRetirable(input);
      const again = findRetirable({ ...input, existing: retired(existing, entries) });
      left += entries.length;
      expect(again.filter(({ action }) => action !== 'via-group')).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(left).toBeGreaterThan(50);
});

test('the order of objects and subjects makes no difference, and bootstrap bindings are never listed', () => {
  fc.assert(
    fc.property(bindings, managed, (existing, subjects) => {
      const all = subjects.map((each) => each.managed);
      const entries = findRetirable({ existing, defaults: [], subjects: all });
      const reversed = { existing: existing.toReversed(), defaults: [], subjects: all.toReversed() };
      expect(findRetirable(reversed)).toEqual(entries);
      for (const { binding, action, released, remaining } of entries) {
        expect(binding.metadata.labels).toEqual({});
        const goes = new Set(released.map(subjectKey));
        const stays = new Set(
          remaining.flatMap((listed) => boundSubject(listed, binding) ?? []).map(subjectKey),
        );
        if (action === 'via-group') expect(remaining).toEqual(binding.subjects);
        else expect([...goes].filter((key) => stays.has(key))).toEqual([]);
        expect(remaining.length === 0).toBe(action === 'delete-binding');
      }
    }),
    { numRuns: 200 },
  );
});
