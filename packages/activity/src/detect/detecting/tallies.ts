import {
  addToTally,
  DETECTIONS,
  type EventFacts,
  newTally,
  type Settings,
  type WindowDetection,
  type WindowTally,
} from '../catalogue/index.ts';
import type { KeyedHash } from '../first-seen/index.ts';
import { BoundedMap } from './bounded-map.ts';
import { compareSamples, compareTexts, MAX_SAMPLES, type Sample } from './evidence.ts';
import type { Found } from './matches.ts';

/** Of each detection, how many windows of how many groups are told apart. */
const MAX_TALLIES = 100_000;
const MAX_REMEMBERED = 10_000;

const SECOND_US = 1_000_000;

const WINDOW_DETECTIONS: readonly WindowDetection[] = DETECTIONS.filter(
  (each): each is WindowDetection => each.available && each.kind === 'window',
);

/** A request of a group, and who sent it. */
interface Sent extends Sample {
  readonly subject: string;
}

/** What the events of one group in one window add up to, and the first few of them. */
interface Group {
  readonly tally: WindowTally;
  sent: readonly Sent[];
}

function noGroup(): Group {
  return { tally: newTally(), sent: [] };
}

/** The windows of the catalogue, by detection, window and group. */
export class Tallies {
  readonly #settings: Settings;
  readonly #hash: KeyedHash;
  readonly #groups = WINDOW_DETECTIONS.map((detection) => ({
    detection,
    windows: new BoundedMap(MAX_TALLIES, noGroup),
  }));
  /** The hashes of texts that came lately: most requests are like others. */
  readonly #hashes = new Map<string, ReturnType<KeyedHash>>();

  /** @param hash - of texts of which different ones are counted */
  constructor(settings: Settings, hash: KeyedHash) {
    this.#settings = settings;
    this.#hash = (text) => {
      const known = this.#hashes.get(text);
      if (known !== undefined) return known;
      const fresh = hash(text);
      if (this.#hashes.size >= MAX_REMEMBERED) this.#hashes.clear();
      this.#hashes.set(text, fresh);
      return fresh;
    };
  }

  /** Adds a request to the windows that it is in. */
  add(facts: EventFacts, sample: Sample, subject: string): void {
    for (const { detection, windows } of this.#groups) {
      const contribution = detection.observe(facts, this.#settings);
      if (contribution === undefined) continue;
      const window = Math.floor(sample.us / (detection.windowSeconds * SECOND_US));
      const group = windows.use(`${String(window)} ${contribution.group}`);
      if (group === undefined) continue;
      addToTally(group.tally, contribution, this.#hash);
      group.sent = withSent(group.sent, { ...sample, subject });
    }
  }

  /**
   * What windows add up to that a detection tells, in the order of windows.
   * @param nameOf - of a subject by its key
   */
  *findings(nameOf: (subject: string) => string): Generator<Found> {
    for (const { detection, windows } of this.#groups) {
      const lengthUs = detection.windowSeconds * SECOND_US;
      for (const [place, { tally, sent }] of windows.entries()) {
        const [first] = sent;
        const match = detection.predicate(tally);
        if (match === undefined || first === undefined) continue;
        const startUs = Number(place.slice(0, place.indexOf(' '))) * lengthUs;
        yield {
          id: detection.id,
          severity: match.severity,
          subject: first.subject,
          startUs,
          endUs: startUs + lengthUs,
          says: `${nameOf(first.subject)}: ${match.says}`,
          as: '',
          count: 1,
          samples: sent.map(({ us, auditID }) => ({ us, auditID })),
        };
      }
    }
  }

  /** By detection, how many requests were beyond what is told apart. */
  *beyond(): Generator<readonly [id: string, requests: number]> {
    for (const { detection, windows } of this.#groups) yield [detection.id, windows.beyond];
  }
}

/** The first few, with one more. */
function withSent(known: readonly Sent[], sent: Sent): readonly Sent[] {
  const last = known[MAX_SAMPLES - 1];
  if (last !== undefined && compareSent(sent, last) >= 0) return known;
  return known.length === 0 ? [sent] : [...known, sent].sort(compareSent).slice(0, MAX_SAMPLES);
}

function compareSent(a: Sent, b: Sent): number {
  return compareSamples(a, b) || compareTexts(a.subject, b.subject);
}
