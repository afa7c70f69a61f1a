/** How a check came out. `skipped`: it could not be asked; nobody knows. */
export type Outcome = 'ok' | 'warning' | 'failed' | 'skipped';

/** The parts of an installation that are looked at, in the order in which they are told. */
export const AREAS = [
  'machine',
  'configuration',
  'kafka',
  'redis',
  'repository',
  'cluster',
  'state',
  'log',
] as const;

/** One of {@link AREAS}. */
export type Area = (typeof AREAS)[number];

/** What a check found: one sentence, and what to do about it where something is to be done. */
export interface Verdict {
  readonly outcome: Outcome;
  /** What was looked at: a server, a file, a topic. */
  readonly what: string;
  /** May hold what a server or a file says: whoever shows it escapes it. */
  readonly says: string;
  readonly remedy?: string;
}

/** Something to look at. */
export interface Check {
  readonly area: Area;
  /** What it is called where it does not come to a verdict of its own. */
  readonly what: string;
  /**
   * Looks, and changes nothing. What it throws becomes a failure with its message.
   * @param signal - aborts when its time is up
   */
  look(signal: AbortSignal): Promise<readonly Verdict[]>;
}

/** All is well. */
export function ok(what: string, says: string): Verdict {
  return { outcome: 'ok', what, says };
}

/** It works, and somebody should know. */
export function warning(what: string, says: string, remedy: string): Verdict {
  return { outcome: 'warning', what, says, remedy };
}

/** It will not work. */
export function failed(what: string, says: string, remedy: string): Verdict {
  return { outcome: 'failed', what, says, remedy };
}

/** It could not be asked. */
export function skipped(what: string, says: string, remedy?: string): Verdict {
  return { outcome: 'skipped', what, says, ...(remedy === undefined ? {} : { remedy }) };
}
