import type { Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PERMISSIONS, SUBJECTS } from '../authorizer/testing/arbitrary.ts';
import { createAuthorizer } from '../authorizer/index.ts';
import { impliedGroups } from '@leastwise/audit-event';
import { describeCell } from '../grant.ts';
import type { RbacObject } from '../types.ts';
import { type ChangeInput, objectKey, proposeChange } from './index.ts';
import {
  asObjects,
  ME,
  MY_GROUPS,
  ownObjects,
  pinnedRules,
  sharedObjects,
  wantedPolicy,
} from './testing/arbitrary.ts';

function allowed(objects: readonly RbacObject[], subject: Subject = ME): Set<Permission> {
  const authorizer = createAuthorizer(objects);
  const groups = impliedGroups(subject);
  return new Set(
    PERMISSIONS.filter((permission) => authorizer.authorize({ subject, groups, permission }).allowed),
  );
}

// Node 20 has no set algebra.
function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a, ...b]);
}
function intersection<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a].filter((each) => b.has(each)));
}
function difference<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a].filter((each) => !b.has(each)));
}

function spelled(set: Iterable<Permission>): string[] {
  return [...set].map(describeCell).sort();
}

/** The requests that some cell covers, by the words of the API reference. */
function coveredBy(cells: readonly Permission[]): Set<Permission> {
  const is = (value: string, asked: string, any: string): boolean => value === any || value === asked;
  return new Set(
    PERMISSIONS.filter((asked) =>
      cells.some(({ verb, apiGroup, resource, namespace, name, path }) => {
        if (!is(verb, asked.verb, '*') || (path === '') !== (asked.path === '')) return false;
        if (path !== '')
          return path === asked.path || (path.endsWith('*') && asked.path.startsWith(path.slice(0, -1)));
        const [, subresource] = asked.resource.split('/');
        const isResource = is(resource, asked.resource, '*') || resource === `*/${subresource}`;
        const isPlace = is(namespace, asked.namespace, '') && is(name, asked.name, '');
        return is(apiGroup, asked.apiGroup, '*') && isResource && isPlace;
      }),
    ),
  );
}

/** The objects of one namespace (`''`: of the cluster) and the ClusterRoles that they refer to, in no order. */
function inScope(objects: readonly RbacObject[], namespace: string): string[] {
  const bindings = objects.filter(
    (each) => 'roleRef' in each && (each.metadata.namespace ?? '') === namespace,
  );
  const keys = new Set(
    bindings.flatMap((each) =>
      'roleRef' in each
        ? [`${each.roleRef.kind} ${each.roleRef.name} ${each.roleRef.kind === 'Role' ? namespace : ''}`]
        : [],
    ),
  );
  const roles = objects.filter(
    (each) =>
      'rules' in each &&
      keys.has(
        `${each.kind} ${each.metadata.name} ${each.kind === 'Role' ? (each.metadata.namespace ?? '') : ''}`,
      ),
  );
  return [...new Set([...bindings, ...roles].map((each) => JSON.stringify(each)))].sort();
}

const base = { subject: ME, pinned: [], mayRemove: true };
const runs = { numRuns: 200 };

describe('set algebra, by the real authorizer', () => {
  test('additions grant exactly approved ∪ wanted', () => {
    let seen = 0;
    fc.assert(
      fc.property(sharedObjects, wantedPolicy, (approved, { wanted, options }) => {
        const { additions } = proposeChange({ ...base, approved, wanted, options });
        const [before, inferred] = [allowed(approved), allowed(wanted.objects)];
        if (additions) seen += 1;
        expect(spelled(allowed(additions?.objects ?? approved))).toEqual(spelled(union(before, inferred)));
      }),
      runs,
    );
    expect(seen).toBeGreaterThan(50);
  });

  test('removals grant exactly approved ∩ (wanted ∪ pinned), beside what is not ours to remove', () => {
    let seen = 0;
    fc.assert(
      fc.property(ownObjects, wantedPolicy, pinnedRules, (approved, { wanted, options }, pinned) => {
        const { removals } = proposeChange({ ...base, approved, wanted, options, pinned });
        const held = union(allowed(wanted.objects), allowed(asObjects(pinned)));
        const kept = intersection(allowed(approved), held);
        if (removals) seen += 1;
        expect(spelled(allowed(removals?.objects ?? approved))).toEqual(spelled(kept));
      }),
      runs,
    );
    expect(seen).toBeGreaterThan(50);
  });

  test('no change touches what others have', () => {
    fc.assert(
      fc.property(sharedObjects, wantedPolicy, (approved, { wanted, options }) => {
        const proposed = proposeChange({ ...base, approved, wanted, options });
        for (const change of [proposed.additions, proposed.removals]) {
          if (!change) continue;
          for (const subject of [...SUBJECTS, { kind: 'User', namespace: '', name: 'bob' } as const]) {
            if (subject.kind === ME.kind && subject.namespace === ME.namespace) continue;
            expect(spelled(allowed(change.objects, subject))).toEqual(spelled(allowed(approved, subject)));
          }
        }
      }),
      runs,
    );
  });

  test('what is wanted is allowed after additions alone, and what was approved of it after removals alone', () => {
    fc.assert(
      fc.property(sharedObjects, wantedPolicy, (approved, { asked, wanted, options }) => {
        const { additions, removals } = proposeChange({ ...base, approved, wanted, options });
        const [before, added] = [
          createAuthorizer(approved),
          createAuthorizer(additions?.objects ?? approved),
        ];
        const removed = createAuthorizer(removals?.objects ?? approved);
        const excepted = new Set(wanted.exceptions.map(({ cell }) => JSON.stringify(cell)));
        for (const permission of asked) {
          const question = { subject: ME, groups: MY_GROUPS, permission };
          if (before.authorize(question).allowed) expect(removed.authorize(question).allowed).toBe(true);
          if (!excepted.has(JSON.stringify(permission))) expect(added.authorize(question).allowed).toBe(true);
        }
      }),
      runs,
    );
  });

  test('a request becomes allowed iff an added cell covers it and it was refused; refused likewise', () => {
    let flips = 0;
    fc.assert(
      fc.property(sharedObjects, wantedPolicy, (approved, { wanted, options }) => {
        const { additions, removals } = proposeChange({ ...base, approved, wanted, options });
        const before = allowed(approved);
        for (const change of [additions, removals]) {
          if (!change) continue;
          const after = allowed(change.objects);
          const [gained, lost] = [difference(after, before), difference(before, after)];
          flips += gained.size + lost.size;
          expect(spelled(gained)).toEqual(spelled(difference(coveredBy(change.added), before)));
          expect(spelled(lost)).toEqual(spelled(difference(coveredBy(change.removed), after)));
          expect(
            difference(coveredBy(change.narrowed), intersection(coveredBy(change.removed), after)).size,
          ).toBe(0);
        }
        expect([additions?.removed ?? [], removals?.added ?? []]).toEqual([[], []]);
      }),
      runs,
    );
    expect(flips).toBeGreaterThan(1_000);
  });
});

type Side = 'additions' | 'removals';
const OTHER = { additions: 'removals', removals: 'additions' } as const;

/** Merges the proposals one after the other, beginning with one side, until there is none. */
function merged(input: ChangeInput, first: Side): { objects: readonly RbacObject[]; merges: number } {
  let { approved } = input;
  let merges = 0;
  for (let side = first; merges < 5; side = OTHER[side]) {
    const proposed = proposeChange({ ...input, approved });
    const change = proposed[side] ?? proposed[OTHER[side]];
    if (!change) break;
    approved = change.objects;
    merges += 1;
  }
  return { objects: approved, merges };
}

/** Of objects with one name in several files, the last one counts. */
function latestOf(objects: readonly RbacObject[]): RbacObject[] {
  return [...new Map(objects.map((each) => [objectKey(each), each])).values()];
}

describe('merging', () => {
  test('in either order ends after two merges, in the objects of the inference', () => {
    let seen = 0;
    fc.assert(
      fc.property(
        ownObjects,
        wantedPolicy,
        fc.constantFrom<Side>('additions', 'removals'),
        (approved, made, first) => {
          const { objects, merges } = merged({ ...base, approved, ...made }, first);
          expect(merges).toBeLessThanOrEqual(2);
          expect(spelled(allowed(objects))).toEqual(spelled(allowed(made.wanted.objects)));
          for (const namespace of ['', 'a', 'b']) {
            const now = inScope(latestOf(objects), namespace);
            const wanted = inScope(made.wanted.objects, namespace);
            // Left alone where it came to grant the same.
            if (JSON.stringify(now) !== JSON.stringify(wanted))
              expect(now).toEqual(inScope(latestOf(approved), namespace));
            else if (merges > 0) seen += 1;
          }
        },
      ),
      runs,
    );
    expect(seen).toBeGreaterThan(100);
  });

  test('gives the very list that the inference made where all of it is written anew', () => {
    fc.assert(
      fc.property(wantedPolicy, fc.constantFrom<Side>('additions', 'removals'), (made, first) => {
        expect(merged({ ...base, approved: [], ...made }, first).objects).toEqual(made.wanted.objects);
        expect(proposeChange({ ...base, approved: made.wanted.objects, ...made })).toEqual({
          foreign: [],
          ungranted: [],
        });
      }),
      runs,
    );
  });

  test('ends after two merges whatever is pinned, shared or unknown', () => {
    fc.assert(
      fc.property(
        sharedObjects,
        wantedPolicy,
        pinnedRules,
        fc.boolean(),
        fc.constantFrom<Side>('additions', 'removals'),
        (approved, made, pins, grant, first) => {
          const pinned = pins.map((each) => ({ ...each, grant }));
          const input = { ...base, approved, ...made, pinned };
          const { objects, merges } = merged(input, first);
          expect(merges).toBeLessThanOrEqual(2);
          const { additions, removals } = proposeChange({ ...input, approved: objects });
          expect([additions, removals]).toEqual([undefined, undefined]);
        },
      ),
      runs,
    );
  });

  test('leaves what is wanted, and of what was approved what is pinned', () => {
    fc.assert(
      fc.property(
        ownObjects,
        wantedPolicy,
        pinnedRules,
        fc.constantFrom<Side>('additions', 'removals'),
        (approved, made, pinned, first) => {
          const { objects } = merged({ ...base, approved, ...made, pinned }, first);
          const pins = intersection(allowed(approved), allowed(asObjects(pinned)));
          expect(spelled(allowed(objects))).toEqual(spelled(union(allowed(made.wanted.objects), pins)));
        },
      ),
      runs,
    );
  });

  test('makes no difference between orders of the files and repeats', () => {
    fc.assert(
      fc.property(ownObjects, wantedPolicy, (approved, made) => {
        const latest = [...new Map(approved.map((each) => [objectKey(each), each])).values()];
        const forth = proposeChange({ ...base, approved, ...made });
        expect(proposeChange({ ...base, approved: latest.toReversed(), ...made })).toEqual(forth);
      }),
      runs,
    );
  });

  test('file by file in any order breaks nothing, where files that belong together are merged as one', () => {
    let apart = 0;
    fc.assert(
      fc.property(ownObjects, wantedPolicy, fc.shuffledSubarray(['', 'a', 'b']), (approved, made, order) => {
        const { additions, removals } = proposeChange({ ...base, approved, ...made });
        const fileOf = (each: RbacObject): string =>
          'roleRef' in each || each.kind === 'Role' ? (each.metadata.namespace ?? '') : '';
        for (const [change, promised] of [
          [additions, allowed(approved)],
          [removals, removals ? allowed(removals.objects) : new Set<Permission>()],
        ] as const) {
          if (!change) continue;
          const atOnce = order.some((namespace) => change.together.includes(namespace))
            ? change.together
            : [];
          const isMerged = (namespace: string): boolean =>
            order.includes(namespace) || atOnce.includes(namespace);
          const mixed = [
            ...approved.filter((each) => !isMerged(fileOf(each))),
            ...change.objects.filter((each) => isMerged(fileOf(each))),
          ];
          if (order.length < 3 && order.length > 0 && atOnce.length === 0) apart += 1;
          expect(spelled(difference(promised, allowed(mixed)))).toEqual([]);
        }
      }),
      runs,
    );
    expect(apart).toBeGreaterThan(30);
  });
});
