import type { ResourceClass, VerbClass } from '../../classes.ts';
import { windowStartUs } from '../../windows.ts';
import type { Calendar } from '../calendar.ts';
import { BASELINES } from './baselines.ts';
import { explainHours, newHoursState, stepHours } from '../hours/index.ts';
import {
  explainSpike,
  minimumFor,
  newSpikeState,
  passQuietly,
  skipSilence,
  type SpikeState,
  stepSpike,
} from '../spike/index.ts';
import { firstSamples } from './evidence.ts';
import type { Found } from './matches.ts';
import type { Series, SeriesKey } from './series.ts';
import type { Gap } from './watch.ts';

const WINDOWS_OF_HOUR = 12;
/** Verbs that change something or reach into something. */
export const ACTIONS: ReadonlySet<VerbClass> = new Set([
  'create',
  'update',
  'delete',
  'delete-collection',
  'exec',
  'escalate',
]);

/** All series of one subject. */
export interface OfSubject {
  /** The subject's key, and its name as the log has it. */
  readonly subject: string;
  readonly name: string;
  readonly series: readonly (readonly [key: SeriesKey, series: Series])[];
}

/** What series are judged with. */
export interface Judging {
  readonly calendar: Calendar;
  /** When nothing is known of the cluster. */
  readonly gaps: readonly Gap[];
}

/**
 * Spikes among the requests of one subject. Each kind of request is judged from the subject's eighth day on: whoever is
 * known, and does something for the first time, did it zero times before.
 */
export function* spikesOf({ subject, name, series }: OfSubject, judging: Judging): Generator<Found> {
  const { calendar } = judging;
  const start = Math.min(...series.map(([, each]) => firstWindowOf(each)));
  for (const [{ verb, resource }, each] of series) {
    const minimum = minimumFor(verb, resource);
    // What never has so many in a window need not be judged.
    if (each.counts.highest() < minimum) continue;
    let state = newSpikeState(start);
    for (const [window, count] of each.counts.windows()) {
      state = broughtTo(state, window, judging);
      const step = stepSpike(state, window, count, { minimum, calendar });
      state = step.state;
      if (!BASELINES.spike.predicate(step.verdict)) continue;
      yield {
        id: BASELINES.spike.id,
        severity: BASELINES.spike.severity,
        subject,
        startUs: windowStartUs('5m', window),
        endUs: windowStartUs('5m', window + 1),
        says: explainSpike(`${name}, ${verb} ${resource}`, step.verdict, calendar),
        as: '',
        count: 1,
        samples: each.samplesIn(window, window + 1),
      };
    }
  }
}

function firstWindowOf({ counts }: Series): number {
  const [first] = counts.windows();
  return first === undefined ? Infinity : first[0];
}

/** A state before a window: windows without requests are learnt as such, but for those of which nothing is known. */
export function broughtTo(from: SpikeState, window: number, { gaps, calendar }: Judging): SpikeState {
  let state = from;
  for (const gap of gaps) {
    if (gap.to <= state.window + 1) continue;
    if (gap.from >= window) break;
    state = skipSilence(passQuietly(state, gap.from, calendar), gap.to, calendar);
  }
  return state;
}

/** Whether requests of such a kind are actions; asking what one may do changes nothing. */
export function isAction(verb: VerbClass, resource: ResourceClass): boolean {
  return resource === 'secrets' || (ACTIONS.has(verb) && resource !== 'reviews');
}

/** Unusual hours of one person. */
export function* unusualHoursOf(
  { subject, name, series }: OfSubject,
  { calendar }: Judging,
): Generator<Found> {
  let state = newHoursState();
  for (const [window, actions] of activityOf(series)) {
    const step = stepHours(state, window, actions, calendar);
    state = step.state;
    const { verdict } = step;
    if (!BASELINES.hours.predicate(verdict)) continue;
    const from = verdict.hour * WINDOWS_OF_HOUR;
    const acting = series.filter(([{ verb, resource }]) => isAction(verb, resource));
    yield {
      id: BASELINES.hours.id,
      severity: BASELINES.hours.severity,
      subject,
      startUs: windowStartUs('5m', from),
      endUs: windowStartUs('5m', from + WINDOWS_OF_HOUR),
      says: explainHours(name, verdict, calendar),
      as: '',
      count: 1,
      samples: firstSamples(acting.flatMap(([, each]) => each.samplesIn(from, from + WINDOWS_OF_HOUR))),
    };
  }
}

/** Windows in which somebody sent requests, in time, with how many of them were actions. */
function activityOf(series: OfSubject['series']): [window: number, actions: number][] {
  const actions = new Map<number, number>();
  for (const [{ verb, resource }, { counts }] of series) {
    for (const [window, count] of counts.windows()) {
      actions.set(window, (actions.get(window) ?? 0) + (isAction(verb, resource) ? count : 0));
    }
  }
  return [...actions].sort(([a], [b]) => a - b);
}
