import { messageOf } from '../exit.ts';
import { type Area, AREAS, type Check, failed, type Verdict } from './verdict.ts';

/** A verdict with the part of the installation that it is about. */
export interface AreaVerdict extends Verdict {
  readonly area: Area;
}

/** How long checks may take. */
export interface RunOptions {
  /** Milliseconds for each. */
  readonly timeoutMs: number;
  /** Aborts when nobody wants the answers any more. */
  readonly signal: AbortSignal;
}

const LATE = Symbol('late');

/**
 * Runs checks side by side and gives what they found in the order of the areas, and within one in the order of the
 * checks, whichever ended first. A check that throws, or does not end in time, has failed; the others go on.
 */
export async function runChecks(
  checks: readonly Check[],
  options: RunOptions,
): Promise<readonly AreaVerdict[]> {
  const results = await Promise.all(checks.map((check) => runCheck(check, options)));
  return AREAS.flatMap((area) => results.flat().filter((each) => each.area === area));
}

async function runCheck(check: Check, { timeoutMs, signal }: RunOptions): Promise<AreaVerdict[]> {
  const { area, what } = check;
  const timeUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => {
      timeUp.abort();
      resolve(LATE);
    }, timeoutMs);
  });
  try {
    const looking = check.look(AbortSignal.any([timeUp.signal, signal]));
    // What it says after its time is up, nobody hears.
    looking.catch(() => undefined);
    const found = await Promise.race([looking, late]);
    const verdicts = found === LATE ? [tooLate(what, timeoutMs)] : found;
    return verdicts.map((verdict) => ({ area, ...verdict }));
  } catch (error) {
    return [{ area, ...failed(what, messageOf(error), 'See the message.') }];
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(what: string, timeoutMs: number): Verdict {
  return failed(
    what,
    `no answer within ${timeoutMs / 1000} s`,
    'Look at the way there: address, name resolution, firewall, NetworkPolicy. --timeout gives it more time.',
  );
}
