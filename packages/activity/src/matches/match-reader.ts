import { type Attribution, type AuditEvent, boundedText, subjectFromUsername } from '@leastwise/audit-event';

import {
  createSettings,
  detectInEvent,
  factsOf,
  KEPT_DETECTIONS,
  type Settings,
} from '../detect/catalogue/index.ts';
import { boundedSubjectKey } from '../subject.ts';
import type { FoundInRequests } from './day-matches.ts';

const NOTHING = 'nothing';

/**
 * Tells what the catalogue finds in events, of what a state keeps. All of it is told from the shape of an event, so it is
 * worked out once for each: for most events it is one look-up.
 */
export class MatchReader {
  readonly #settings: Settings;
  readonly #byShape = new WeakMap<object, FoundInRequests | typeof NOTHING>();

  constructor(settings: Settings = createSettings()) {
    this.#settings = settings;
  }

  /** @returns `undefined` where nothing is found, or where a request has no outcome yet */
  read(event: AuditEvent, attribution: Attribution): FoundInRequests | undefined {
    if (attribution.kind === 'received') return undefined;
    const { shape } = event;
    const known = shape && this.#byShape.get(shape);
    if (known !== undefined) return known === NOTHING ? undefined : known;
    const found = this.#find(event, attribution);
    if (shape) this.#byShape.set(shape, found ?? NOTHING);
    return found;
  }

  #find(event: AuditEvent, attribution: Attribution): FoundInRequests | undefined {
    const matches = detectInEvent(factsOf(event, attribution), this.#settings, KEPT_DETECTIONS);
    if (matches.length === 0) return undefined;
    const subject = subjectFromUsername(event.user.username);
    return {
      subject: subject === undefined ? '' : boundedSubjectKey(subject),
      as: boundedText(event.impersonatedUser?.username ?? ''),
      matches,
    };
  }
}
