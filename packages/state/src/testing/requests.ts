import { deltasOf, identityOf, type SampleRequest } from '../conformance/deltas.ts';
import type { ApplyResult, Claim, Deltas, SubjectStore } from '../types.ts';

const BATCH = 40;

/** The requests of the n-th batch of an endless log, from 0. */
export function requestsOf(batch: number): SampleRequest[] {
  return Array.from({ length: BATCH }, (_, i) => {
    const n = batch * BATCH + i;
    return {
      identity: identityOf(n),
      us: 1_700_000_000_000_000 + n * 1_000_000,
      name: `pod-${n % 100}`,
      namespace: `ns-${n % 17}`,
      subject: { kind: 'User', namespace: '', name: `user-${n % 5}` },
      ...(n % 10 === 0 ? { base: identityOf(2 ** 31 + n) } : {}),
    };
  });
}

/** All requests of the first batches. */
export function requestsUpTo(batches: number): SampleRequest[] {
  return Array.from({ length: batches }, (_, batch) => requestsOf(batch)).flat();
}

function deltasOfBatch(batch: number, claim: Claim): Deltas {
  // The request that the next batch begins with is only received so far.
  const received = [identityOf((batch + 1) * BATCH + 1)];
  return deltasOf(requestsOf(batch), claim, received);
}

/** Applies the batch that a position, the number of batches before, comes before. */
export function applyNext(store: SubjectStore, claim: Claim, position: number): Promise<ApplyResult> {
  const from = position === 0 ? '' : `${position}`;
  return store.applyBatch({ claim, from, to: `${position + 1}`, deltas: deltasOfBatch(position, claim) });
}
