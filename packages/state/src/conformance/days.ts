import {
  type ActivityState,
  activityDayOf,
  dayFor,
  emptyActivity,
  MAX_ACTORS,
  observeTrace,
  STATE_TRACE_LIMITS,
  TRACE_RETENTION,
  type TracedEvent,
  trimDay,
  type TraceShape,
} from '@leastwise/activity';
import { expect, it } from 'vitest';

import { encodeActor, encodeDay, tracesByHour, tracesText } from '../day-codec.ts';
import { encodeMatches } from '../match-codec.ts';
import type { Claim } from '../types.ts';
import { deltasOf, identityOf, NOTHING, NOTHING_COUNTED } from './deltas.ts';
import type { Context } from './support.ts';

const DAY_US = 86_400_000_000;
const START_US = 20_000 * DAY_US;

const NO_HINTS: TraceShape['hints'] = {
  ...{ fieldManager: '', force: '', involvedName: '', nodeName: '', container: '', command: [] },
  ...{ isDryRun: false, isWatch: false, isContinued: false, hasLabelSelector: false },
  ...{ isFollowing: false, isPrevious: false, hasStdin: false, hasTerminal: false },
};

/** A request of somebody as far as days can tell it from others; what is left out has a plain value. */
export interface SampleTrace extends Partial<Omit<TraceShape, 'hints'>> {
  readonly n: number;
  readonly us: number;
  readonly cluster?: string;
  readonly actor?: string;
  readonly command?: readonly string[];
  readonly isMaster?: boolean;
  /** A further stage of a request that was counted before. */
  readonly isAgain?: boolean;
}

function tracedOf({
  actor = 'user:alice',
  command = [],
  isMaster = false,
  ...given
}: SampleTrace): TracedEvent {
  const { verb = 'get', resource = 'pods', namespace = 'web', name = 'a', path = '', as = '' } = given;
  const { outcome = 'allowed', verbClass = 'read', isKubectl = true, isStart = false } = given;
  const { code = 200, stageRank = 2 } = given;
  const shape: TraceShape = {
    ...{ outcome, verbClass, verb, resource, namespace, name, path, as, code, stageRank },
    ...{ isKubectl, isStart, hints: { ...NO_HINTS, command } },
  };
  return { actor, client: '["kubectl","kubectl","v1.34.1","linux/amd64",false]', isMaster, shape };
}

/** By cluster, what a worker makes of requests. */
export function daysOf(samples: readonly SampleTrace[]): Map<string, ActivityState> {
  const activity = new Map<string, ActivityState>();
  for (const sample of samples) {
    const { n, us: atUs, cluster = 'main', isAgain = false } = sample;
    const state = activity.get(cluster) ?? emptyActivity(cluster);
    activity.set(cluster, state);
    observeTrace(dayFor(state.days, activityDayOf(atUs)), {
      ...{ traced: tracedOf(sample), atUs, auditID: `audit-${n}`, identity: identityOf(n), isNew: !isAgain },
    });
  }
  return activity;
}

/** Days as plain values, in order, so that they can be compared. */
export function plainDays(states: Iterable<ActivityState>): unknown[] {
  return [...states]
    .filter(({ days }) => days.size > 0)
    .sort((a, b) => (a.cluster < b.cluster ? -1 : 1))
    .map(({ cluster, days }) => [
      cluster,
      [...days.values()]
        .sort((a, b) => a.day - b.day)
        .map((day) => {
          trimDay(day);
          const actors = day.actors
            .entries()
            .map(([key, actor]) => [
              key,
              encodeActor(day.day, actor),
              [...tracesByHour(day.day, actor)].map(([hour, traces]) => [hour, tracesText(day.day, traces)]),
            ]);
          const found = day.matches
            .entries()
            .map(([subject, matches]) => [subject, encodeMatches(day.day, matches)]);
          return [day.day, encodeDay(day), actors, found];
        }),
    ]);
}

/** What people did, by the day. */
export function describeDays({ store, crash }: Context): void {
  async function applyDays(
    claim: Claim,
    [from, to]: readonly [string, string],
    samples: readonly SampleTrace[],
  ): Promise<void> {
    const requests = samples.map(({ n, us, cluster = 'main' }) => ({ identity: identityOf(n), us, cluster }));
    const { clusters } = deltasOf(requests, NOTHING_COUNTED);
    const deltas = { ...NOTHING, clusters, activity: daysOf(samples) };
    expect(await store().applyBatch({ claim, from, to, deltas })).toBe('applied');
  }

  async function applyAll(source: string, samples: readonly SampleTrace[], size: number): Promise<void> {
    const claim = await store().claim(source);
    for (let at = 0; at < samples.length; at += size) {
      await applyDays(claim, [at === 0 ? '' : `${at}`, `${at + size}`], samples.slice(at, at + size));
    }
  }

  async function expectDays(samples: readonly SampleTrace[]): Promise<void> {
    const wanted = plainDays(daysOf(samples).values());
    expect(plainDays(await store().activity())).toEqual(wanted);
    await store().flush();
    if (await crash()) expect(plainDays(await store().activity())).toEqual(wanted);
    expect(plainDays((await store().whole()).activity)).toEqual(wanted);
  }

  it('adds up the days of people of all batches and sources, whatever things are called', async () => {
    const names = ['alice', '__proto__', 'a"b\\\n', '\ud800', '日本語', ''];
    const samples = Array.from({ length: 240 }, (_, n): SampleTrace => {
      const name = names[n % names.length] ?? '';
      return {
        n,
        us: START_US + (n % 80) * 2_000_000_000,
        cluster: n % 3 === 0 ? 'edge' : 'main',
        actor: `user:${names[n % 5] ?? ''}`,
        outcome: n % 5 === 0 ? 'denied' : 'allowed',
        verb: n % 7 === 0 ? 'delete' : 'get',
        verbClass: n % 7 === 0 ? 'delete' : 'read',
        resource: n % 11 === 0 ? '' : 'secrets',
        path: n % 11 === 0 ? '/version' : '',
        ...{ name, namespace: name, as: n % 9 === 0 ? name : '', isMaster: n === 100 },
        command: n % 13 === 0 ? ['sh', '-c', name] : [],
        isKubectl: n % 17 !== 0,
        isStart: n % 22 === 0,
      };
    });
    await applyAll('a', samples.slice(0, 100), 9);
    await applyAll('b', samples.slice(100), 21);
    await expectDays(samples);
  });

  it('keeps of the stages of a request the one that knows most, and counts none twice', async () => {
    const first: SampleTrace = { n: 1, us: START_US, verb: 'create', stageRank: 1, code: 101 };
    const last = { ...first, stageRank: 2, code: 500, isAgain: true };
    await applyAll('a', [first, last, { ...first, isAgain: true }], 1);
    const [state] = await store().activity();
    const [day] = state?.days.values() ?? [];
    const actor = day?.actors.get('user:alice');
    expect([...(actor?.traces.values() ?? [])].map(({ shape }) => shape.code)).toEqual([500]);
    await expectDays([first, last]);
  });

  it('keeps so many requests of an actor and day, what was done before all else, and counts the rest', async () => {
    const flood = Array.from({ length: 2 * STATE_TRACE_LIMITS.ofActor + 500 }, (_, n): SampleTrace => ({
      ...{ n, us: START_US + n * 1000, outcome: 'denied', verb: 'delete', verbClass: 'delete' },
      name: `p${n % 7}`,
    }));
    const done: SampleTrace = {
      n: flood.length,
      us: START_US + DAY_US - 1,
      verb: 'create',
      verbClass: 'exec',
    };
    await applyAll('a', [...flood, done], 700);
    const [state] = await store().activity();
    const [day] = state?.days.values() ?? [];
    const actor = day?.actors.get('user:alice');
    expect(actor?.traces.size).toBe(STATE_TRACE_LIMITS.ofActor);
    expect([...(actor?.traces.values() ?? [])].some(({ shape }) => shape.verb === 'create')).toBe(true);
    expect(actor?.verbs.get('delete')).toEqual({ requests: flood.length, refused: flood.length });
    await expectDays([...flood, done]);
  });

  it('tells so many actors of a day apart, the same ones in any order, and sums up the others', async () => {
    const samples = Array.from({ length: MAX_ACTORS + 60 }, (_, n): SampleTrace => ({
      ...{ n, us: START_US + n * 1_000_000, actor: `user:u${n}` },
    }));
    // In some order that has nothing to do with hashes.
    const shuffled = samples.map((each, n) => samples[(n * 11) % samples.length] ?? each);
    await applyAll('a', shuffled, 70);
    const [state] = await store().activity();
    const [day] = state?.days.values() ?? [];
    expect(
      [...(day?.actors.other.tempos.values() ?? [])].reduce((sum, { requests }) => sum + requests, 0),
    ).toBe(60);
    await expectDays(samples);
  });

  it('keeps requests for some days, what was counted for longer, and then nothing', async () => {
    const onDay = (day: number): SampleTrace => ({ n: day, us: START_US + day * DAY_US });
    const { days, historyDays } = TRACE_RETENTION;
    const claim = await store().claim('a');
    await applyDays(claim, ['', '1'], [onDay(0)]);
    await expectDays([onDay(0)]);
    const kept = async (): Promise<readonly unknown[]> => {
      const [state] = await store().activity();
      const all = [...(state?.days.values() ?? [])].sort((a, b) => a.day - b.day);
      return all.map((day) => [day.day - 20_000, day.actors.get('user:alice')?.traces.size]);
    };
    const again = await store().claim('a');
    await applyDays(again, ['1', '2'], [onDay(days - 1)]);
    expect(await kept()).toEqual([
      [0, 1],
      [days - 1, 1],
    ]);
    await applyDays(again, ['2', '3'], [onDay(days)]);
    expect((await kept())[0]).toEqual([0, 0]);
    await applyDays(again, ['3', '4'], [onDay(historyDays)]);
    await store().flush();
    await crash();
    expect(await kept()).toEqual([
      [days - 1, 0],
      [days, 0],
      [historyDays, 1],
    ]);
  });

  it('refuses days that nobody could read back', async () => {
    const claim = await store().claim('a');
    const activity = daysOf([{ n: 1, us: START_US }]);
    const [state] = activity.values();
    const [day] = state?.days.values() ?? [];
    if (day) day.otherClients.requests = NaN;
    const deltas = { ...NOTHING, activity };
    await expect(store().applyBatch({ claim, from: '', to: '1', deltas })).rejects.toThrow(TypeError);
    expect(plainDays(await store().activity())).toEqual([]);
  });
}
