import fc from 'fast-check';
import { expect, test } from 'vitest';

import { MAX_SUBJECTS } from './cap.ts';
import { observeActivity } from './observe.ts';
import type { ActivityState } from './state.ts';
import { need, request, user } from './testing/requests.ts';

const MINUTE = 60_000_000;

interface Step {
  readonly who: number;
  readonly us: number;
  readonly cluster: string;
  readonly outcome: 'allowed' | 'denied';
  readonly isImpersonating: boolean;
}

function observed(
  steps: readonly Step[],
  shapes: Map<string, object> | undefined,
): Map<string, ActivityState>[] {
  const batches = [0, 1].map(() => new Map<string, ActivityState>());
  steps.forEach(({ who, us, cluster, outcome, isImpersonating }, i) => {
    const key = JSON.stringify([who, outcome, isImpersonating]);
    if (shapes && !shapes.has(key)) shapes.set(key, {});
    const made = request({
      cluster,
      receivedAtUs: us,
      outcome,
      need: need(user(`u${who}`), 'get pods'),
      impersonation: isImpersonating ? need(user('boss'), `impersonate users -`) : undefined,
      shape: shapes?.get(key),
    });
    const batch = batches[i * 2 < steps.length ? 0 : 1];
    if (batch) observeActivity(batch, made);
  });
  return batches;
}

test('requests that share a shape are counted as if nobody knew that they do', () => {
  const step = fc.record({
    who: fc.nat(4),
    us: fc.nat(200 * MINUTE),
    cluster: fc.constantFrom('a', 'b'),
    outcome: fc.constantFrom('allowed' as const, 'denied' as const),
    isImpersonating: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      expect(observed(steps, new Map())).toEqual(observed(steps, undefined));
    }),
  );
});

test('also where the cap pushes out subjects that were counted before', () => {
  const subjects = Array.from({ length: MAX_SUBJECTS + 300 }, (_, who) => who);
  const steps = [...subjects, ...subjects, ...subjects.toReversed()].map((who): Step => ({
    who,
    us: MINUTE,
    cluster: 'a',
    outcome: 'allowed',
    isImpersonating: false,
  }));
  expect(observed(steps, new Map())).toEqual(observed(steps, undefined));
});
