import {
  type ActivityState,
  type DetectedInEvent,
  MAX_MATCHED_KEYS,
  MAX_MATCHED_SUBJECTS,
  MAX_WINDOW_MATCHES,
  observeMatches,
  TRACE_RETENTION,
} from '@leastwise/activity';
import { expect, it } from 'vitest';

import { encodeTold } from '../match-codec.ts';
import type { Claim } from '../types.ts';
import { plainDays } from './days.ts';
import { deltasOf, identityOf, NOTHING, NOTHING_COUNTED } from './deltas.ts';
import type { Context } from './support.ts';

const DAY_US = 86_400_000_000;
const START_US = 20_000 * DAY_US;

/** A request in which something was found; what is left out has a plain value. */
export interface SampleMatch extends Partial<Omit<DetectedInEvent, 'says'>> {
  readonly n: number;
  readonly us: number;
  readonly cluster?: string;
  readonly subject?: string;
  readonly as?: string;
  readonly auditID?: string;
  readonly says?: string;
}

/** By cluster, what a worker makes of requests in which something was found. */
export function matchesOf(samples: readonly SampleMatch[]): Map<string, ActivityState> {
  const activity = new Map<string, ActivityState>();
  for (const { n, us, cluster = 'main', subject = 'user:alice', as = '', auditID, ...match } of samples) {
    const { id = 'D14', severity = 'MEDIUM', says = 'alice: create pods/exec web/a' } = match;
    observeMatches(activity, {
      cluster,
      found: { subject, as, matches: [{ ...match, id, severity, says }] },
      run: { count: 1, firstUs: us, lastUs: us, samples: [{ us, auditID: auditID ?? `audit-${n}` }] },
      hasWindows: true,
    });
  }
  return activity;
}

/** What is to be told of windows as plain values, in order, so that they can be compared. */
export function plainTold(states: Iterable<ActivityState>): unknown[] {
  return [...states]
    .sort((a, b) => (a.cluster < b.cluster ? -1 : 1))
    .flatMap(({ cluster, windows }) =>
      [...windows.values()]
        .filter(({ found }) => found !== undefined)
        .sort((a, b) => a.number - b.number)
        .map((window) => [cluster, window.kind, window.number, encodeTold(window)]),
    );
}

/** What detections found, by the day and in windows. */
export function describeMatches({ store, crash }: Context): void {
  async function applyMatches(
    claim: Claim,
    [from, to]: readonly [string, string],
    samples: readonly SampleMatch[],
  ): Promise<void> {
    const requests = samples.map(({ n, us, cluster = 'main' }) => ({ identity: identityOf(n), us, cluster }));
    const { clusters } = deltasOf(requests, NOTHING_COUNTED);
    const deltas = { ...NOTHING, clusters, activity: matchesOf(samples) };
    expect(await store().applyBatch({ claim, from, to, deltas })).toBe('applied');
  }

  async function applyAll(source: string, samples: readonly SampleMatch[], size: number): Promise<void> {
    const claim = await store().claim(source);
    for (let at = 0; at < samples.length; at += size) {
      await applyMatches(claim, [at === 0 ? '' : `${at}`, `${at + size}`], samples.slice(at, at + size));
    }
  }

  async function expectMatches(samples: readonly SampleMatch[]): Promise<void> {
    const all = matchesOf(samples);
    const wanted = [plainDays(all.values()), plainTold(all.values())];
    const found = async (): Promise<unknown> => {
      const states = await store().activity();
      return [plainDays(states), plainTold(states)];
    };
    expect(await found()).toEqual(wanted);
    await store().flush();
    if (await crash()) expect(await found()).toEqual(wanted);
  }

  it('adds up what detections found in all batches and sources, whatever things are called', async () => {
    const names = ['alice', '__proto__', 'a"b\\\n', '\ud800', '日本語', ''];
    const severities = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
    const samples = Array.from({ length: 240 }, (_, n): SampleMatch => {
      const name = names[n % names.length] ?? '';
      return {
        ...{ n, us: START_US + (n % 80) * 200_000_000, cluster: n % 3 === 0 ? 'edge' : 'main' },
        ...{ id: `D${String(10 + (n % 7))}`, severity: severities[n % 4] ?? 'LOW' },
        // '' is somebody who does not say who they are.
        ...{ subject: name === '' ? '' : `user:${name}`, says: name, as: name, auditID: `${n % 2}${name}` },
        ...(n % 5 === 0 ? { firstSeenKey: `by ${name}` } : {}),
        ...(n % 10 === 0 ? { severityIfKnown: 'LOW' as const } : {}),
      };
    });
    await applyAll('a', samples.slice(0, 100), 9);
    await applyAll('b', samples.slice(100), 21);
    await expectMatches(samples);
  });

  it('tells so many subjects and keys of a day apart, the same ones in any order, and counts the rest', async () => {
    const crowd = Array.from({ length: MAX_MATCHED_SUBJECTS + 60 }, (_, n): SampleMatch => ({
      ...{ n, us: START_US + n * 1000, subject: `user:u${n}`, id: 'D07', severity: 'CRITICAL' },
    }));
    const keys = Array.from({ length: 3 * MAX_MATCHED_KEYS }, (_, n): SampleMatch => ({
      ...{ n: 10_000 + n, us: START_US + n * 1000, id: 'D09', severity: 'LOW', firstSeenKey: `by ${n}` },
    }));
    const all = [...crowd, ...keys];
    // In some order that has nothing to do with hashes.
    const shuffled = all.map((each, n) => all[(n * 11) % all.length] ?? each);
    await applyAll('a', shuffled, 70);
    const [state] = await store().activity();
    const [day] = state?.days.values() ?? [];
    const isAliceKept = day?.matches.has('user:alice') === true;
    expect(day?.matches.other.beyond.get('D07')).toBe(isAliceKept ? 61 : 60);
    const ofKeys = day?.matches.get('user:alice')?.keyed.get('D09')?.other.all.count;
    expect(ofKeys ?? day?.matches.other.beyond.get('D09')).toBe(isAliceKept ? 100 : 150);
    const [window] = [...(state?.windows.values() ?? [])].filter(({ kind }) => kind === '5m');
    expect(window?.found?.other.count).toBe(crowd.length - MAX_WINDOW_MATCHES);
    await expectMatches(all);
  });

  it('keeps what was found as long as requests, and the keys of it as long as counts', async () => {
    const onDay = (day: number): SampleMatch[] => [
      { n: 2 * day, us: START_US + day * DAY_US },
      { n: 2 * day + 1, us: START_US + day * DAY_US + 1, id: 'D09', firstSeenKey: 'by curl' },
    ];
    const { days, historyDays } = TRACE_RETENTION;
    const kept = async (): Promise<readonly unknown[]> => {
      const [state] = await store().activity();
      const all = [...(state?.days.values() ?? [])].sort((a, b) => a.day - b.day);
      return all.map(({ day, matches }) => {
        const mine = matches.get('user:alice');
        const key = mine?.keyed.get('D09')?.get('by curl');
        return [day - 20_000, mine?.plain.size, key?.all.count];
      });
    };
    const claim = await store().claim('a');
    await applyMatches(claim, ['', '1'], onDay(0));
    await applyMatches(claim, ['1', '2'], onDay(days - 1));
    expect(await kept()).toEqual([
      [0, 1, 1],
      [days - 1, 1, 1],
    ]);
    await applyMatches(claim, ['2', '3'], onDay(days));
    expect((await kept())[0]).toEqual([0, 0, 0]);
    await applyMatches(claim, ['3', '4'], onDay(historyDays));
    await store().flush();
    await crash();
    expect(await kept()).toEqual([
      [days - 1, 0, 0],
      [days, 0, 0],
      [historyDays, 1, 1],
    ]);
  });

  it('refuses finds that nobody could read back', async () => {
    const claim = await store().claim('a');
    const activity = matchesOf([{ n: 1, us: START_US }]);
    const [state] = activity.values();
    const [day] = state?.days.values() ?? [];
    const evidence = day?.matches.get('user:alice')?.plain.get('D14');
    if (evidence) evidence.lastUs = START_US + DAY_US;
    await expect(
      store().applyBatch({ claim, from: '', to: '1', deltas: { ...NOTHING, activity } }),
    ).rejects.toThrow(TypeError);
  });
}
