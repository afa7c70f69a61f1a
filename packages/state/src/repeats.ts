import {
  type ActivityState,
  firstSamples,
  type FoundInRequests,
  MAX_SAMPLES,
  observeActivityRun,
  observeMatches,
  type Sample as FoundSample,
  type WindowKind,
  windowOf,
  windowStartUs,
} from '@leastwise/activity';
import type { CountedRequest, IdentityFrame, Occurrence } from '@leastwise/audit-event';
import {
  DAY_US,
  dayOf,
  type Observations,
  observeRun,
  type ObserveOptions,
  type Sample,
} from '@leastwise/rbac';

/** As many shapes as a decoder remembers. */
const MAX_SHAPES = 65_536;
/** Longest auditID that has room here: the API server's own have 36 characters. */
const MAX_AUDIT_ID = 64;
/** For the first and the last request of a run. */
const ROOM = 2 * MAX_AUDIT_ID;
const FIRST_ROOMS = 256;

/** Where runs end up. */
export interface RunTarget {
  readonly clusters: Observations;
  readonly activity: Map<string, ActivityState>;
}

/** Requests of one day or window: how many, and when the API server received the first and the last one. */
class Run {
  count = 0;
  firstUs = Infinity;
  lastUs = -Infinity;
  /** Of the day or window, half-open. */
  #fromUs = 0;
  #untilUs = 0;

  has(us: number): boolean {
    return us >= this.#fromUs && us < this.#untilUs;
  }

  begin(fromUs: number, untilUs: number): void {
    this.count = 0;
    this.firstUs = Infinity;
    this.lastUs = -Infinity;
    this.#fromUs = fromUs;
    this.#untilUs = untilUs;
  }
}

/** What the requests of one shape have in common. */
export interface Learnt {
  /** Any of them. */
  readonly request: CountedRequest;
  readonly frame: IdentityFrame;
  /** What detections find in each of them; `undefined` where that is nothing, or where nobody asks. */
  readonly found: FoundInRequests | undefined;
}

/** The same, and what is not observed of them yet. */
export interface Repeat extends Learnt {
  readonly day: Run;
  readonly window: Run;
  /** Where the auditIDs of the first and the last request of the day stand, and how long they are. */
  readonly room: number;
  firstLength: number;
  lastLength: number;
  /** The first few of the window, where something is found in them. */
  samples: readonly FoundSample[];
}

/**
 * Counts requests that repeat, without an object for each of them. Those of one shape and one day are a **run**, which is observed
 * once, when it is over; and so are those of one window of five minutes, with which hours begin and end too.
 */
export class Repeats {
  readonly #observe: ObserveOptions;
  readonly #kinds: readonly WindowKind[];
  readonly #maxShapes: number;
  /** By cluster and shape: what all clusters do has the same shape in all of them. */
  readonly #byCluster = new Map<string, Map<object, Repeat>>();
  #size = 0;
  #last: { readonly cluster: string; readonly byShape: Map<object, Repeat> } | undefined;
  #open: Repeat[] = [];
  #rooms = Buffer.alloc(FIRST_ROOMS * ROOM);

  /**
   * @param kinds - of the windows in which requests are counted besides; none, where they are not
   * @param maxShapes - how many are remembered; with one more, all are forgotten
   */
  constructor(observe: ObserveOptions, kinds: readonly WindowKind[], maxShapes = MAX_SHAPES) {
    this.#observe = observe;
    this.#kinds = kinds;
    this.#maxShapes = maxShapes;
  }

  /** What is known of an occurrence's shape; `undefined` where it has to be added as an event. */
  find(occurrence: Occurrence, cluster: string): Repeat | undefined {
    if (occurrence.auditIDEnd - occurrence.auditIDStart > MAX_AUDIT_ID) return undefined;
    return this.#shapesOf(cluster)?.get(occurrence.shape);
  }

  /** Learns what a shape is in a cluster, from one of its requests there. */
  learn(shape: object, learnt: Learnt, into: RunTarget): void {
    const { cluster } = learnt.request;
    if (this.#size >= this.#maxShapes) this.#forget(into);
    const byShape = this.#shapesOf(cluster) ?? new Map<object, Repeat>();
    if (byShape.has(shape)) return;
    this.#byCluster.set(cluster, byShape);
    const room = this.#size * ROOM;
    if (room === this.#rooms.length) this.#rooms = Buffer.concat([this.#rooms], 2 * room);
    const runs = { day: new Run(), window: new Run() };
    byShape.set(shape, { ...learnt, ...runs, room, firstLength: 0, lastLength: 0, samples: [] });
    this.#size += 1;
  }

  #shapesOf(cluster: string): Map<object, Repeat> | undefined {
    if (this.#last?.cluster === cluster) return this.#last.byShape;
    const byShape = this.#byCluster.get(cluster);
    if (byShape) this.#last = { cluster, byShape };
    return byShape;
  }

  #forget(into: RunTarget): void {
    this.flush(into);
    this.#byCluster.clear();
    this.#last = undefined;
    this.#size = 0;
  }

  /** Adds a new request to the runs of its shape. */
  add(repeat: Repeat, occurrence: Occurrence, into: RunTarget): void {
    const { day, window } = repeat;
    const us = occurrence.receivedAtUs;
    if (day.count === 0) this.#open.push(repeat);
    if (!window.has(us)) {
      this.#observeWindow(repeat, into);
      const number = windowOf('5m', us);
      window.begin(windowStartUs('5m', number), windowStartUs('5m', number + 1));
    }
    if (!day.has(us)) {
      this.#observeDay(repeat, into);
      const number = dayOf(us);
      day.begin(number * DAY_US, (number + 1) * DAY_US);
    }
    window.count += 1;
    if (us < window.firstUs) window.firstUs = us;
    if (us > window.lastUs) window.lastUs = us;
    if (repeat.found) sample(repeat, occurrence);
    day.count += 1;
    const { room } = repeat;
    if (us < day.firstUs || (us === day.firstUs && this.#isBefore(occurrence, room, repeat.firstLength))) {
      day.firstUs = us;
      repeat.firstLength = this.#keep(occurrence, room);
    }
    const last = room + MAX_AUDIT_ID;
    if (us > day.lastUs || (us === day.lastUs && this.#isBefore(occurrence, last, repeat.lastLength))) {
      day.lastUs = us;
      repeat.lastLength = this.#keep(occurrence, last);
    }
  }

  /** Observes all that is not observed yet. */
  flush(into: RunTarget): void {
    for (const repeat of this.#open) {
      this.#observeWindow(repeat, into);
      this.#observeDay(repeat, into);
    }
    this.#open = [];
  }

  #observeDay({ request, day, room, firstLength, lastLength }: Repeat, into: RunTarget): void {
    if (day.count === 0) return;
    const { count, firstUs, lastUs } = day;
    const first: Sample = { us: firstUs, auditID: this.#auditID(room, firstLength) };
    const last: Sample = { us: lastUs, auditID: this.#auditID(room + MAX_AUDIT_ID, lastLength) };
    observeRun(into.clusters, request, { first, last, count }, this.#observe);
    day.begin(0, 0);
  }

  #observeWindow(repeat: Repeat, into: RunTarget): void {
    const { request, window, found, samples } = repeat;
    if (window.count === 0) return;
    if (this.#kinds.length > 0) observeActivityRun(into.activity, request, window, this.#kinds);
    if (found) {
      const { count, firstUs, lastUs } = window;
      const run = { count, firstUs, lastUs, samples };
      const hasWindows = this.#kinds.includes('5m');
      observeMatches(into.activity, { cluster: request.cluster, found, run, hasWindows });
      repeat.samples = [];
    }
    window.begin(0, 0);
  }

  #auditID(at: number, length: number): string {
    return this.#rooms.toString('latin1', at, at + length);
  }

  /** Keeps an auditID, and says how long it is. */
  #keep({ bytes, auditIDStart, auditIDEnd }: Occurrence, at: number): number {
    const rooms = this.#rooms;
    const length = auditIDEnd - auditIDStart;
    // By hand: they are short, and `copy` costs more than they do.
    for (let i = 0; i < length; i += 1) rooms[at + i] = bytes[auditIDStart + i] ?? 0;
    return length;
  }

  /** Whether an auditID comes before one that is kept, as texts do. */
  #isBefore({ bytes, auditIDStart, auditIDEnd }: Occurrence, at: number, length: number): boolean {
    return bytes.compare(this.#rooms, at, at + length, auditIDStart, auditIDEnd) < 0;
  }
}

/** Keeps the first few of a window: most come after them, and cost a comparison. */
function sample(repeat: Repeat, { receivedAtUs: us, bytes, auditIDStart, auditIDEnd }: Occurrence): void {
  const last = repeat.samples[MAX_SAMPLES - 1];
  if (last !== undefined && us > last.us) return;
  const auditID = bytes.toString('latin1', auditIDStart, auditIDEnd);
  repeat.samples = firstSamples([...repeat.samples, { us, auditID }]);
}
