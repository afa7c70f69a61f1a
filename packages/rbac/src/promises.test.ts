import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isNamespaceGone, retentionPeriod } from './classify.ts';
import { createInference } from './infer.ts';
import {
  AUDICIA_PRESET,
  AUDIT2RBAC_PRESET,
  DEFAULT_OPTIONS,
  EXACT_PRESET,
  type PolicyOptions,
} from './options.ts';
import type { Exception } from './policy.ts';
import { naiveAllows, withoutEachCell } from './testing/naive.ts';
import { arbitraryRequest, stateOf, stateOfBatches } from './testing/requests.ts';
import type { ClusterState, SubjectState } from './types.ts';
import { STANDARD_VERBS, unrenderableReason } from './validity.ts';
import { checkPolicy } from './verify.ts';

const arbitraryOptions: fc.Arbitrary<PolicyOptions> = fc
  .record({
    preset: fc.constantFrom({}, EXACT_PRESET, AUDIT2RBAC_PRESET, AUDICIA_PRESET),
    knobs: fc.record(
      {
        scopeMode: fc.constantFrom('NamespaceStrict' as const, 'ClusterScopeAllowed' as const),
        verbMerge: fc.constantFrom('Exact' as const, 'Smart' as const),
        wildcards: fc.constantFrom('Forbidden' as const, 'Safe' as const),
        resourceNames: fc.constantFrom(0, 1, 10, 'Explicit' as const, 'Omit' as const),
        expandMultiName: fc.boolean(),
        expandMultiNamespace: fc.boolean(),
        includeDenied: fc.boolean(),
        includeOtherAuthorizers: fc.boolean(),
        specialVerbs: fc.constantFrom('Withhold' as const, 'Grant' as const),
        mapDeprecatedGroups: fc.boolean(),
        shareRoles: fc.boolean(),
        namespaceGroups: fc.constantFrom([], ['ns*'], ['ns1', '*2']),
        retentionDays: fc.constantFrom(1, 30, 90, Infinity),
        namespaceIdleDays: fc.constantFrom(1, 30, Infinity),
      },
      { requiredKeys: [] },
    ),
    minor: fc.constantFrom(34, 35),
  })
  .map(({ preset, knobs, minor }) => ({
    ...DEFAULT_OPTIONS,
    ...preset,
    ...knobs,
    kubernetesVersion: { major: 1, minor },
  }));

function expectJustified(exception: Exception, cluster: ClusterState, options: PolicyOptions): void {
  const { cell, evidence } = exception;
  const period = retentionPeriod(cluster, options);
  switch (exception.class) {
    case 'withheld':
      expect(STANDARD_VERBS).not.toContain(cell.verb);
      expect(options.specialVerbs).toBe('Withhold');
      return;
    case 'other-authorizer':
      expect(evidence.viaRbac || options.includeOtherAuthorizers).toBe(false);
      return;
    case 'unrenderable':
      expect(unrenderableReason(cell)).toBeDefined();
      return;
    case 'outside-retention':
      expect(evidence.days.filter((day) => day >= period.firstDay && day <= period.lastDay)).toEqual([]);
      return;
    case 'namespace-gone':
      expect(isNamespaceGone(cell.namespace, cluster, options)).toBe(true);
      return;
    default:
      expect.unreachable(`${exception.class} cannot be without existing RBAC or a chosen namespace`);
  }
}

function subjectsOf(cluster: ClusterState): SubjectState[] {
  return [...cluster.subjects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}

describe('the three promises', () => {
  test('sound: what was allowed and counted stays allowed, or is excepted for a reason that holds', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRequest, { maxLength: 30 }), arbitraryOptions, (requests, options) => {
        const cluster = stateOf(requests);
        const infer = createInference(options);
        const policies = new Map(subjectsOf(cluster).map((state) => [state.subject, infer(state, cluster)]));
        for (const [subject, policy] of policies) {
          const state = subjectsOf(cluster).find((each) => each.subject === subject);
          if (state) expect(checkPolicy(state, policy, options)).toEqual([]);
          for (const exception of policy.exceptions) expectJustified(exception, cluster, options);
        }
        for (const { need, outcome } of requests) {
          if (outcome === 'denied' && !options.includeDenied) continue;
          const policy = policies.get(need.subject);
          for (const asked of need.permissions) {
            const isExcepted = policy?.exceptions.some(
              ({ cell }) => JSON.stringify(cell) === JSON.stringify(asked),
            );
            const isAllowed = policy !== undefined && naiveAllows(policy.objects, need.subject, asked);
            expect(isAllowed || isExcepted, JSON.stringify(asked)).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('minimal: with the exact preset, every rendered cell is needed by a counted request', () => {
    const options = { ...DEFAULT_OPTIONS, ...EXACT_PRESET, kubernetesVersion: { major: 1, minor: 34 } };
    fc.assert(
      fc.property(fc.array(arbitraryRequest, { maxLength: 25 }), (requests) => {
        const cluster = stateOf(requests);
        const infer = createInference(options);
        for (const state of subjectsOf(cluster)) {
          const { objects } = infer(state, cluster);
          const asked = requests
            .filter(({ need, outcome }) => need.subject === state.subject && outcome === 'allowed')
            .flatMap(({ need }) => need.permissions)
            .filter((each) => naiveAllows(objects, state.subject, each));
          for (const { without, cell } of withoutEachCell(objects)) {
            const breaks = asked.some((each) => !naiveAllows(without, state.subject, each));
            expect(breaks, `${cell} is granted and nobody needs it`).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('minimal: refused requests never become grants', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRequest, { maxLength: 25 }), arbitraryOptions, (requests, chosen) => {
        const options = { ...chosen, includeDenied: false };
        const allowedOnly = requests.filter(({ outcome }) => outcome === 'allowed');
        const infer = createInference(options);
        const all = stateOf(requests);
        const some = stateOf(allowedOnly);
        // The span of the evidence may differ by refused requests: hold it fixed, it is no grant.
        some.lastSeenUs = all.lastSeenUs;
        for (const state of subjectsOf(all)) {
          const same = subjectsOf(some).find((each) => each.subject === state.subject);
          expect(infer(state, all).objects).toEqual(same ? infer(same, some).objects : []);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('deterministic: any order, duplicates and partition give the same policies', () => {
    const shuffled = fc.array(arbitraryRequest, { maxLength: 30 }).chain((requests) =>
      fc.record({
        requests: fc.constant(requests),
        permuted: fc.shuffledSubarray(requests, { minLength: requests.length }),
        cuts: fc.array(fc.nat(30), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(shuffled, arbitraryOptions, ({ requests, permuted, cuts }, options) => {
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), permuted.length];
        const batches = bounds.slice(1).map((end, i) => permuted.slice(bounds[i], end));
        const infer = createInference(options);
        const policiesOf = (cluster: ClusterState) =>
          subjectsOf(cluster).map((state) => infer(state, cluster));
        expect(policiesOf(stateOfBatches(batches))).toEqual(policiesOf(stateOf(requests)));
      }),
      { numRuns: 200 },
    );
  });
});
