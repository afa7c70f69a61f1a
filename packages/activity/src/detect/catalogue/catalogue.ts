import { BASELINE_DETECTIONS } from './baselines.ts';
import { CONTROL_PLANE_DETECTIONS } from './control-plane.ts';
import { IDENTITY_DETECTIONS } from './identities.ts';
import { POD_DETECTIONS } from './pods.ts';
import { SECRET_DETECTIONS } from './secrets.ts';
import type { Settings } from './settings.ts';
import type { Detection, EventFacts, Match } from './types.ts';
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

/**
 * What the catalogue finds in one event, by itself or if it is new: see `firstSeenKey`. Give it each request once.
 *
 * @returns the same for all events that differ in nothing but auditID and time, so it may be remembered by their shape
 */
export function detectInEvent(facts: EventFacts, settings: Settings): readonly DetectedInEvent[] {
  const found: DetectedInEvent[] = [];
  for (const detection of DETECTIONS) {
    if (!detection.available || detection.kind === 'window') continue;
    if (detection.kind === 'baseline' && detection.baseline !== 'first-seen') continue;
    const match = detection.predicate(facts, settings);
    if (match !== undefined) found.push({ id: detection.id, ...match });
  }
  return found;
}
