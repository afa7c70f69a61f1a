import { afterEach, beforeEach, describe } from 'vitest';

import { describeActivity } from './conformance/activity.ts';
import { describeContent } from './conformance/content.ts';
import { describeCrashes, describePromise } from './conformance/crashes.ts';
import { describeDays } from './conformance/days.ts';
import { describeFacts, describeIdentities } from './conformance/identities.ts';
import { describeMatches } from './conformance/matches.ts';
import { describePositions } from './conformance/positions.ts';
import type { Context, StoreUnderTest } from './conformance/support.ts';
import type { SubjectStore } from './types.ts';

export { deltasOf, identityOf, NOTHING, type SampleRequest, stateOf } from './conformance/deltas.ts';
export { daysOf, plainDays, type SampleTrace } from './conformance/days.ts';
export { matchesOf, plainTold, type SampleMatch } from './conformance/matches.ts';
export type { StoreUnderTest } from './conformance/support.ts';

/** The suite that every store has to pass. Call it at the top level of a test file. */
export function describeSubjectStore(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} is a SubjectStore`, () => {
    let tested: StoreUnderTest;
    let store: SubjectStore;
    beforeEach(async () => {
      tested = await makeStore();
      ({ store } = tested);
    });
    afterEach(() => tested.dispose());
    const context: Context = {
      store: () => store,
      crash: async () => {
        const reopened = tested.reopen();
        if (!reopened) return false;
        store = await reopened;
        return true;
      },
    };
    describePositions(context);
    describeIdentities(context);
    describeFacts(context);
    describeContent(context);
    describeActivity(context);
    describeDays(context);
    describeMatches(context);
    describeCrashes(context);
    describePromise(makeStore);
  });
}
