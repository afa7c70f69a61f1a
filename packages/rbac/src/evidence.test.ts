import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { admit, CAPS } from './capped.ts';
import { cloneCluster, emptyCluster, mergeCluster, totalOfRules } from './cluster-state.ts';
import { addGroup, DAY_US, dayOf, emptyEvidence, mergeEvidence, noteTime, withDay } from './evidence.ts';
import { withBinding } from './granting-bindings.ts';
import { createInference } from './infer.ts';
import { clientsOf } from './observe.ts';
import { DEFAULT_OPTIONS, EXACT_PRESET } from './options.ts';
import {
  ALICE,
  arbitraryRequest,
  permission,
  request,
  stateOf,
  stateOfBatches,
  T0,
} from './testing/requests.ts';
import { checkPolicy } from './verify.ts';

describe('evidence', () => {
  test('keeps count, first and last with samples, days, granting groups and clients', () => {
    const times = [T0 + 5 * DAY_US, T0, T0 + 3, T0 + 5 * DAY_US];
    const requests = times.map((us, i) =>
      request({
        permissions: [permission('get pods ns1')],
        us,
        auditID: `id-${String(9 - i)}`,
        grantingGroup: i > 1 ? 'team' : '',
      }),
    );
    const [state] = stateOf(requests).subjects.values();
    const [rule] = state?.allowed.rules.values() ?? [];
    const evidence = rule?.names.get('');
    expect(evidence).toMatchObject({
      count: 4,
      firstSeenUs: T0,
      firstAuditID: 'id-8',
      lastSeenUs: T0 + 5 * DAY_US,
      lastAuditID: 'id-6',
      days: [dayOf(T0), dayOf(T0) + 5],
      grantingGroups: ['team'],
      viaRbac: true,
    });
    expect(evidence && clientsOf(evidence)).toEqual(['kubectl']);
  });

  test('merging is commutative and associative, and evidence of nothing is neutral', () => {
    const evidence = fc
      .record({
        us: fc.array(fc.integer({ min: 0, max: 5 * DAY_US }), { minLength: 1, maxLength: 4 }),
        id: fc.constantFrom('a', 'b'),
        group: fc.constantFrom('', 'g', 'h'),
        binding: fc.constantFrom('ns1/a/Role/r', 'ns1/b/Role/r'),
      })
      .map(({ us, id, group, binding }) => {
        const made = emptyEvidence();
        for (const each of us) {
          noteTime(made, each, id);
          made.days = withDay(made.days, dayOf(each));
          made.grantingBindings = withBinding(made.grantingBindings, binding, dayOf(each));
          made.count += 1;
        }
        addGroup(made, group);
        return made;
      });
    const sum = (...parts: ReturnType<typeof emptyEvidence>[]) => {
      const into = emptyEvidence();
      for (const part of parts) mergeEvidence(into, part);
      return into;
    };
    fc.assert(
      fc.property(evidence, evidence, evidence, (a, b, c) => {
        expect(sum(a, b)).toEqual(sum(b, a));
        expect(sum(sum(a, b), c)).toEqual(sum(a, sum(b, c)));
        expect(sum(a, emptyEvidence())).toEqual(a);
      }),
    );
  });

  test('of several samples at one time the smallest stays, whatever the order', () => {
    const ids = ['b', 'a', 'c'];
    for (const order of [ids, ids.toReversed()]) {
      const evidence = emptyEvidence();
      for (const id of order) noteTime(evidence, T0, id);
      expect(evidence).toMatchObject({
        firstSeenUs: T0,
        lastSeenUs: T0,
        firstAuditID: 'a',
        lastAuditID: 'a',
      });
    }
    const evidence = emptyEvidence();
    for (const [us, id] of [
      [T0 + 1, 'b'],
      [T0, 'c'],
      [T0 + 2, 'd'],
      [T0 + 1, 'a'],
    ] as const) {
      noteTime(evidence, us, id);
    }
    expect(evidence).toMatchObject({ firstAuditID: 'c', lastAuditID: 'd' });
  });

  test('evidence of the epoch itself is evidence', () => {
    const seen = emptyEvidence();
    noteTime(seen, 0, 'a');
    const sum = emptyEvidence();
    mergeEvidence(sum, seen);
    mergeEvidence(sum, emptyEvidence());
    expect(sum).toEqual({
      ...emptyEvidence(),
      firstSeenUs: 0,
      lastSeenUs: 0,
      firstAuditID: 'a',
      lastAuditID: 'a',
    });
    expect(emptyEvidence()).toMatchObject({
      firstAuditID: '',
      lastAuditID: '',
      days: [],
      grantingGroups: [],
    });
  });

  test('days are ascending, each once, and lists that are shared never change', () => {
    const one = withDay([], 5);
    expect([5, 4, 6, 5].reduce((days, day) => withDay(days, day), one)).toEqual([4, 5, 6]);
    expect(one).toEqual([5]);
    expect(withDay(one, 5)).toBe(one);
    expect(withDay([], 5)).toBe(one);
  });

  test('no group is no granting group', () => {
    const evidence = emptyEvidence();
    addGroup(evidence, '');
    addGroup(evidence, 'g');
    addGroup(evidence, 'g');
    expect(evidence.grantingGroups).toEqual(['g']);
  });

  test('of more than 32 granting groups the same ones stay in any order', () => {
    const groups = Array.from({ length: 60 }, (_, i) => `group-${String(i)}`);
    const kept = (order: readonly string[]) => {
      const evidence = emptyEvidence();
      for (const group of order) addGroup(evidence, group);
      return evidence.grantingGroups;
    };
    expect(kept(groups)).toHaveLength(CAPS.groups);
    expect(kept(groups.toReversed())).toEqual(kept(groups));
  });
});

test('a full map keeps the same keys whatever the order, and hands out what has to leave', () => {
  const keys = Array.from({ length: 50 }, (_, i) => `key-${String(i)}`);
  fc.assert(
    fc.property(fc.shuffledSubarray(keys, { minLength: 50 }), (order) => {
      const keep = (offered: readonly string[]) => {
        const map = new Map<string, number>();
        let left = 0;
        for (const key of offered) {
          if (admit(map, key, 10, (value) => (left += value))) map.set(key, 1);
          else left += 1;
        }
        return { kept: [...map.keys()].sort(), left };
      };
      expect(keep(order)).toEqual(keep(keys));
      expect(keep(order).left).toBe(40);
    }),
  );
});

describe('a flood of names', () => {
  const flood = Array.from({ length: CAPS.names * 3 }, (_, i) =>
    request({ permissions: [permission(`get secrets ns1 name-${String(i)}`)], us: T0 + i }),
  );

  test('widens to unnamed, in any order and partition, says so, and grants all that was needed', () => {
    const cluster = stateOf(flood);
    const [state] = cluster.subjects.values();
    const [rule] = state?.allowed.rules.values() ?? [];
    expect(rule?.names.size).toBe(CAPS.names);
    expect(state && totalOfRules(state.allowed).count).toBe(flood.length);
    expect(stateOfBatches([flood.toReversed().slice(0, 100), flood.toReversed().slice(100)])).toEqual(
      cluster,
    );

    const options = { ...DEFAULT_OPTIONS, ...EXACT_PRESET };
    const policy = state && createInference(options)(state, cluster);
    expect(policy?.objects[0]).toMatchObject({ rules: [{ resources: ['secrets'], verbs: ['get'] }] });
    expect(policy?.objects[0]).not.toHaveProperty('rules.0.resourceNames');
    expect(policy?.widenings).toEqual([{ kind: 'names-overflow', what: 'get secrets in ns1', replaced: 0 }]);
    expect(state && policy && checkPolicy(state, policy, options)).toEqual([]);
  });

  test('of refused requests does not grow state', () => {
    const refused = flood.map((each) => ({ ...each, outcome: 'denied' as const }));
    const [state] = stateOf(refused).subjects.values();
    const [rule] = state?.denied.rules.values() ?? [];
    expect(rule?.names.size).toBe(CAPS.deniedNames);
    expect(state && totalOfRules(state.denied).count).toBe(flood.length);
    expect(state?.allowed.rules.size).toBe(0);
  });

  test('of refused requests never widens where they are granted: the names that are kept, and incomplete', () => {
    const refused = flood.map((each) => ({ ...each, outcome: 'denied' as const }));
    const cluster = stateOf(refused);
    const [state] = cluster.subjects.values();
    const [rule] = state?.denied.rules.values() ?? [];
    const options = { ...DEFAULT_OPTIONS, ...EXACT_PRESET, includeDenied: true };
    const policy = state && createInference(options)(state, cluster);
    expect(policy?.objects[0]).toMatchObject({
      rules: [
        { resources: ['secrets'], verbs: ['get'], resourceNames: [...(rule?.names.keys() ?? [])].sort() },
      ],
    });
    expect(policy?.widenings).toEqual([]);
    expect(policy?.isIncomplete).toBe(true);
    expect(state && policy && checkPolicy(state, policy, options)).toEqual([]);
    // What was refused beyond is counted, not listed as a wish for any name.
    expect(policy?.denied.every(({ cell }) => cell.name !== '')).toBe(true);
    expect(policy?.deniedOverflow).toBe(flood.length - CAPS.deniedNames);
    const unasked = { ...options, includeDenied: false };
    expect(state && createInference(unasked)(state, cluster).isIncomplete).toBe(false);
  });

  test('of rules marks the policy incomplete rather than cutting it in silence', () => {
    const rules = Array.from({ length: CAPS.rules + 5 }, (_, i) =>
      request({ permissions: [permission(`get r${String(i)}s ns1`)] }),
    );
    const cluster = stateOf(rules);
    const [state] = cluster.subjects.values();
    expect(state?.allowed.rules.size).toBe(CAPS.rules);
    expect(state && createInference(DEFAULT_OPTIONS)(state, cluster).isIncomplete).toBe(true);
  });

  test('of long texts keeps short stand-ins, which nothing is rendered for', () => {
    const cluster = stateOf([
      request({
        permissions: [permission(`get pods ns1 ${'x'.repeat(5000)}`), permission(`get /${'y'.repeat(5000)}`)],
        auditID: 'z'.repeat(5000),
      }),
    ]);
    expect(
      JSON.stringify(
        [...cluster.subjects].map(([, state]) => [...state.allowed.rules].map(([, rule]) => [...rule.names])),
      ),
    ).toHaveProperty(
      'length',
      expect.toSatisfy((length: number) => length < 1500),
    );
    const [state] = cluster.subjects.values();
    const policy = state && createInference(DEFAULT_OPTIONS)(state, cluster);
    expect(policy?.objects).toEqual([]);
    expect(policy?.exceptions.map((each) => each.class)).toEqual(['unrenderable', 'unrenderable']);
  });
});

test('merging clusters shares nothing with what was merged', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRequest, { maxLength: 10 }),
      fc.array(arbitraryRequest, { maxLength: 10 }),
      (a, b) => {
        const left = stateOf(a);
        const before = JSON.stringify(cloneCluster(left), replacer);
        const sum = emptyCluster('default');
        mergeCluster(sum, left);
        mergeCluster(sum, stateOf(b));
        expect(JSON.stringify(left, replacer)).toBe(before);
      },
    ),
  );
});

function replacer(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

test('a service account and a user of the same name are two subjects', () => {
  const cluster = stateOf([
    request({ subject: ALICE, permissions: [permission('get pods ns1')] }),
    request({
      subject: { kind: 'ServiceAccount', namespace: 'ns1', name: 'alice' },
      permissions: [permission('get pods ns1')],
    }),
  ]);
  expect(cluster.subjects.size).toBe(2);
});
