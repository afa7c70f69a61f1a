import { catalogue, createAuditor, DEFAULT_VIOLATION_POLICY } from '@leastwise/findings';
import { bootstrapDefaults, NEWEST_KUBERNETES, type RbacObject } from '@leastwise/rbac';
import { openEmbeddedStore } from '@leastwise/state';
import { describe, expect, test } from 'vitest';

import {
  A_HUNDRED_DAYS,
  type Asked,
  count,
  DAY_MS,
  NOW_MS,
  policyOf,
  roleAndBinding,
} from './testing/uses.ts';
import { type Unused, unusedIn, type UnusedInput } from './unused.ts';

async function found(
  asked: readonly Asked[],
  objects: readonly RbacObject[],
  more: Partial<UnusedInput> = {},
): Promise<Unused> {
  await using store = await openEmbeddedStore();
  await count(store, asked);
  const [cluster] = await store.read();
  if (!cluster) throw new Error('nothing was counted');
  return unusedIn({ cluster, lost: 0, policy: policyOf(), objects, days: 90, nowMs: NOW_MS, ...more });
}

/** `list pods in shop: 100 of 100 days`. */
function texts({ permissions }: Unused): string[] {
  return permissions.map(
    ({ verb, resource, namespace, unusedDays, observedDays }) =>
      `${verb} ${resource} in ${namespace}: ${unusedDays} of ${observedDays} days`,
  );
}

describe('what is unused', () => {
  test('is what a subject holds and did not use for as long as it was watched', async () => {
    const unused = await found(A_HUNDRED_DAYS, roleAndBinding('get,list,delete', 'pods'));
    expect(texts(unused)).toEqual([
      'list pods in shop: 100 of 100 days',
      'delete pods in shop: 98 of 100 days',
    ]);
    expect(unused.permissions[0]?.subject).toEqual({ kind: 'ServiceAccount', namespace: 'shop', name: 'ci' });
  });

  test('is a finding of the auditor', async () => {
    const objects = roleAndBinding('get,list', 'pods,secrets');
    const { permissions } = await found(A_HUNDRED_DAYS, objects);
    const { findings } = createAuditor().audit({
      objects: objects.map((object) => ({ object })),
      bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
      policy: DEFAULT_VIOLATION_POLICY,
      unused: permissions,
      nowMs: NOW_MS,
    });
    const [only, ...others] = findings.filter(({ check }) => check === 'R094');
    expect(others).toEqual([]);
    expect(only?.message).toBe(
      'ServiceAccount shop/ci did not use for 100 days what it may do in namespace shop: get, list secrets; list pods',
    );
    expect(catalogue().some(({ id }) => id === 'R094')).toBe(true);
  });

  test.each<[string, readonly Asked[], Partial<UnusedInput>]>([
    ['was watched for too short a time', A_HUNDRED_DAYS.slice(20), {}],
    ['was not active for as long', [...A_HUNDRED_DAYS.slice(0, 5), ['shop:other', 'get', 99]], {}],
  ])('is nothing where the subject %s', async (_, asked, more) => {
    expect(texts(await found(asked, roleAndBinding('list', 'secrets'), more))).toEqual([]);
  });

  test('is nothing where events were lost, or come no more', async () => {
    const objects = roleAndBinding('list', 'secrets');
    expect(await found(A_HUNDRED_DAYS, objects, { lost: 1 })).toMatchObject({
      blindness: 'events were lost before they were read',
      permissions: [],
    });
    const later = (days: number): Promise<Unused> =>
      found(A_HUNDRED_DAYS, objects, { nowMs: NOW_MS + days * DAY_MS });
    expect((await later(1)).permissions).toHaveLength(1);
    expect(await later(2)).toMatchObject({
      blindness: 'no events of the cluster come any more',
      permissions: [],
    });
  });

  test('is nothing that the audit policy would not have logged', async () => {
    const policy = policyOf('- level: None\n  verbs: [list]\n- level: Metadata');
    const objects = roleAndBinding('list,watch', 'secrets');
    expect(texts(await found(A_HUNDRED_DAYS, objects, { policy }))).toEqual([
      'watch secrets in shop: 100 of 100 days',
    ]);
  });

  test('is nothing that a wide permission has some use of, and all of one that has none', async () => {
    expect(texts(await found(A_HUNDRED_DAYS, roleAndBinding('*', 'pods,secrets')))).toEqual([
      '* secrets in shop: 100 of 100 days',
    ]);
  });

  test('is nothing of a group, nor of somebody whom nobody saw', async () => {
    const objects = roleAndBinding('list', 'secrets', ['group:sre', 'shop:never-seen']);
    expect(texts(await found(A_HUNDRED_DAYS, objects))).toEqual([]);
  });

  test('is counted where it is too much to look into', async () => {
    const resources = Array.from({ length: 2_500 }, (_, n) => `r${n}`).join(',');
    const { permissions, more } = await found(A_HUNDRED_DAYS, roleAndBinding('list', resources));
    expect([permissions.length, more]).toEqual([2_000, 500]);
  });
});
