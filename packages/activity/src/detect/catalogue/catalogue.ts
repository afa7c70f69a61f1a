import { BASELINE_DETECTIONS } from './baselines.ts';
import { CONTROL_PLANE_DETECTIONS } from './control-plane.ts';
import { IDENTITY_DETECTIONS } from './identities.ts';
import { POD_DETECTIONS } from './pods.ts';
import { SECRET_DETECTIONS } from './secrets.ts';
import type { Settings } from './settings.ts';
import type { BaselineDetection, Detection, EventDetection, EventFacts, Match } from './types.ts';
import { UNAVAILABLE_DETECTIONS } from './unavailable.ts';
import { WINDOW_DETECTIONS } from './windows.ts';

/** All detections, in the order of their ids. */
export const DETECTIONS: readonly Detection[] = [
  ...IDENTITY_DETECTIONS,
  ...SECRET_DETECTIONS,
  ...POD_DETECTIONS,
  ...CONTROL_PLANE_DETECTIONS,
  ...BASELINE_DETECTIONS,
  ...WINDOW_DETECTIONS,
  ...UNAVAILABLE_DETECTIONS,
].sort((a, b) => (a.id < b.id ? -1 : 1));

/** A match of one detection. */
export interface DetectedInEvent extends Match {
  readonly id: string;
}

type InEvent = EventDetection | Extract<BaselineDetection, { readonly baseline: 'first-seen' }>;

/** Those that ask about one event, by itself or if it is new. */
const IN_EVENTS: readonly InEvent[] = DETECTIONS.filter(
  (each): each is InEvent =>
    each.available && (each.kind === 'event' || (each.kind === 'baseline' && each.baseline === 'first-seen')),
);

/** These match nearly every request: a state would have to keep of each subject all that it ever did. */
const TOO_COMMON: readonly string[] = ['D40', 'D52'];
/** These are told by alerting, which remembers what they need: spikes, hours, and first uses as far as classes tell. */
const BY_ALERTS: readonly string[] = ['D50', 'D51', 'D52'];

/** Those of which a state keeps what they find. */
export const KEPT_DETECTIONS: readonly InEvent[] = IN_EVENTS.filter(({ id }) => !TOO_COMMON.includes(id));

/**
 * What a detection's findings can be told from: `log`, reading a log whole; `state`, the days that a state keeps; `alerts`,
 * what alerting remembers. Of nothing where it is not available.
 */
export function toldFrom({ id, available }: Detection): readonly ('log' | 'state' | 'alerts')[] {
  if (!available) return [];
  if (KEPT_DETECTIONS.some((each) => each.id === id)) return ['log', 'state'];
  return BY_ALERTS.includes(id) ? ['log', 'alerts'] : ['log'];
}

/**
 * What the catalogue finds in one event, by itself or if it is new: see `firstSeenKey`. Give it each request once.
 *
 * @param detections - which ones are asked; all without it
 * @returns the same for all events that differ in nothing but auditID and time, so it may be remembered by their shape
 */
export function detectInEvent(
  facts: EventFacts,
  settings: Settings,
  detections: readonly InEvent[] = IN_EVENTS,
): readonly DetectedInEvent[] {
  const found: DetectedInEvent[] = [];
  for (const { id, predicate } of detections) {
    const match = predicate(facts, settings);
    if (match !== undefined) found.push({ id, ...match });
  }
  return found;
}
