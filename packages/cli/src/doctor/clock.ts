import { ok, type Verdict, warning } from './verdict.ts';

/** Clocks that differ by more make events late, or of the future: see `skew` of the aggregator. */
const MAX_SKEW_MS = 30_000;

/**
 * Whether a clock is ours.
 * @param what - whose it is
 * @param aheadMs - by how much it is ahead of ours; negative where it is behind
 * @param why - it matters, a sentence
 */
export function clockVerdict(what: string, aheadMs: number, why: string): Verdict {
  const name = `${what}, clock`;
  if (Math.abs(aheadMs) <= MAX_SKEW_MS)
    return ok(name, `it differs from ours by less than ${MAX_SKEW_MS / 1000} s`);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return warning(
    name,
    `it is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`,
    `Let NTP keep both: chronyc tracking says by how much each is off. ${why}`,
  );
}
