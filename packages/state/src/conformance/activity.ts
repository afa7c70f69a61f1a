import {
  type ActivityState,
  MAX_SUBJECTS,
  mergeActivity,
  observeActivity,
  talliesOf,
} from '@leastwise/activity';
import type { CountedRequest } from '@leastwise/audit-event';
import { expect, it } from 'vitest';

import type { Claim } from '../types.ts';
import { deltasOf, identityOf, NOTHING, NOTHING_COUNTED } from './deltas.ts';
import type { Context } from './support.ts';

const HOUR_US = 3_600_000_000;
const START_US = 480_000 * HOUR_US;

function requestOf(n: number, subject: string, us: number): CountedRequest {
  const permission = { verb: 'get', apiGroup: '', resource: 'pods', namespace: 'a', name: 'x', path: '' };
  return {
    cluster: n % 3 === 0 ? 'edge' : 'main',
    identity: identityOf(n),
    auditID: `id-${n}`,
    receivedAtUs: us,
    outcome: n % 5 === 0 ? 'denied' : 'allowed',
    client: 'kubectl',
    need: {
      subject: { kind: 'User', namespace: '', name: subject },
      groups: [],
      permissions: [permission],
      viaRbac: true,
      grantingGroup: '',
    },
    impersonation: undefined,
    namespaceLife: undefined,
  };
}

function activityOf(requests: readonly CountedRequest[]): Map<string, ActivityState> {
  const activity = new Map<string, ActivityState>();
  for (const request of requests) observeActivity(activity, request);
  return activity;
}

/** As plain values, sorted, so that they can be compared. */
function plain(states: Iterable<ActivityState>): unknown[] {
  return [...states]
    .sort((a, b) => (a.cluster < b.cluster ? -1 : 1))
    .map(({ cluster, windows }) => [
      cluster,
      [...windows]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, window]) => [key, [...talliesOf(window)].sort()]),
    ]);
}

/** Windows of activity. */
export function describeActivity({ store, crash }: Context): void {
  async function applyActivity(
    claim: Claim,
    [from, to]: readonly [string, string],
    requests: readonly CountedRequest[],
  ): Promise<void> {
    // The newest request of a cluster is what the retention is measured from.
    const samples = requests.map(({ cluster, receivedAtUs }, i) => ({
      identity: identityOf(i),
      cluster,
      us: receivedAtUs,
    }));
    const { clusters } = deltasOf(samples, NOTHING_COUNTED);
    const deltas = { ...NOTHING, clusters, activity: activityOf(requests) };
    expect(await store().applyBatch({ claim, from, to, deltas })).toBe('applied');
  }

  async function expectActivity(requests: readonly CountedRequest[]): Promise<void> {
    const wanted = plain(activityOf(requests).values());
    expect(plain(await store().activity())).toEqual(wanted);
    await store().flush();
    if (await crash()) expect(plain(await store().activity())).toEqual(wanted);
  }

  it('adds up the windows of all batches and sources', async () => {
    expect(await store().activity()).toEqual([]);
    const names = ['alice', '__proto__', 'a"b\\\n', '\ud800', '日本語', ''];
    const requests = Array.from({ length: 300 }, (_, i) =>
      requestOf(i, names[i % names.length] ?? '', START_US + (i % 40) * 100_000_000),
    );
    for (const source of ['a', 'b']) {
      const mine = requests.filter((_, i) => i % 2 === (source === 'a' ? 0 : 1));
      const claim = await store().claim(source);
      for (let at = 0; at < mine.length; at += 40) {
        await applyActivity(claim, [at === 0 ? '' : `${at}`, `${at + 40}`], mine.slice(at, at + 40));
      }
    }
    await expectActivity(requests);
  });

  it('tells so many subjects of a window apart, the same ones in any order, and sums up the others', async () => {
    const requests = Array.from({ length: MAX_SUBJECTS + 300 }, (_, i) =>
      requestOf(3 * i, `user-${i}`, START_US),
    );
    // In some order that has nothing to do with hashes: every 7th one, round and round.
    const shuffled = requests
      .map((_, i) => requests[(i * 7) % requests.length] ?? requests[0])
      .filter((each) => each !== undefined);
    const claim = await store().claim('a');
    for (let at = 0; at < 1000; at += 500) {
      await applyActivity(claim, [at === 0 ? '' : `${at}`, `${at + 500}`], shuffled.slice(at, at + 500));
    }
    await store().flush();
    await crash();
    const again = await store().claim('a');
    for (let at = Number(again.position); at < shuffled.length; at += 500) {
      await applyActivity(again, [`${at}`, `${at + 500}`], shuffled.slice(at, at + 500));
    }
    await expectActivity(requests);
  });

  it('keeps windows no longer than it should, by the time of events', async () => {
    const old = requestOf(1, 'alice', START_US);
    const claim = await store().claim('a');
    await applyActivity(claim, ['', '1'], [old]);
    const [before] = await store().activity();
    expect([...(before?.windows.keys() ?? [])].sort()).toEqual([`1h/480000`, `5m/${480_000 * 12}`]);
    const later = requestOf(2, 'alice', START_US + 7 * HOUR_US);
    await applyActivity(claim, ['1', '2'], [later]);
    const [after] = await store().activity();
    expect([...(after?.windows.keys() ?? [])].sort()).toEqual([
      `1h/480000`,
      `1h/480007`,
      `5m/${480_007 * 12}`,
    ]);
    await applyActivity(claim, ['2', '3'], [requestOf(4, 'alice', START_US + 100 * HOUR_US)]);
    await expectActivity([requestOf(4, 'alice', START_US + 100 * HOUR_US)]);
  });

  it('shares nothing with the batches it was given', async () => {
    const claim = await store().claim('a');
    const activity = activityOf([requestOf(1, 'alice', START_US)]);
    const { clusters } = deltasOf(
      [{ identity: identityOf(1), cluster: 'main', us: START_US }],
      NOTHING_COUNTED,
    );
    await store().applyBatch({ claim, from: '', to: '1', deltas: { ...NOTHING, clusters, activity } });
    for (const state of activity.values()) mergeActivity(state, structuredClone(state));
    await expectActivity([requestOf(1, 'alice', START_US)]);
  });
}
