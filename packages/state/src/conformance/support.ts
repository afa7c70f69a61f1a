import { expect } from 'vitest';

import type { ApplyResult, Claim, SeenIdentity, SubjectStore } from '../types.ts';
import { deltasOf, identityOf, NOTHING_COUNTED, type SampleRequest } from './deltas.ts';

/** A new, empty store and what the suite does to it. */
export interface StoreUnderTest {
  readonly store: SubjectStore;
  /**
   * Opens the state that a crash at this moment would leave; the store before is not used any more and
   * was told nothing. `undefined` where a state does not outlive its process.
   */
  reopen(): Promise<SubjectStore> | undefined;
  /** Gives everything back, whatever state it is in. */
  dispose(): Promise<void>;
}

/** The store of the test that runs. */
export interface Context {
  /** The one that is open. */
  store(): SubjectStore;
  /** Crashes it and opens it again. @returns whether it could be done. */
  crash(): Promise<boolean>;
}

/** A worker that reads on from where the state is. */
export async function apply(
  store: SubjectStore,
  claim: Claim,
  [from, to]: readonly [string, string],
  requests: readonly SampleRequest[],
): Promise<ApplyResult> {
  return store.applyBatch({
    claim,
    from,
    to,
    deltas: deltasOf(requests, claim),
  });
}

/** As {@link apply}, for requests of which RequestReceived was seen. */
export async function applyReceived(
  store: SubjectStore,
  claim: Claim,
  [from, to]: readonly [string, string],
  received: readonly SeenIdentity[],
): Promise<void> {
  expect(await store.applyBatch({ claim, from, to, deltas: deltasOf([], NOTHING_COUNTED, received) })).toBe(
    'applied',
  );
}

/** The request of a number, with what matters about it. */
export function request(n: number, more: Partial<SampleRequest> = {}): SampleRequest {
  return { identity: identityOf(n), ...more };
}

/** Applies requests to source `a`, so many at a time. */
export async function applyInOrder(
  store: SubjectStore,
  requests: readonly SampleRequest[],
  size: number,
): Promise<void> {
  const claim = await store.claim('a');
  for (let at = 0, from = ''; at < requests.length; at += size) {
    const to = `${at + size}`;
    expect(await apply(store, claim, [from, to], requests.slice(at, at + size))).toBe('applied');
    from = to;
  }
}
