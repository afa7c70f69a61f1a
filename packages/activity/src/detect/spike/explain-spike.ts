import type { Calendar } from '../calendar.ts';
import type { SpikeVerdict } from './step-spike.ts';

const WINDOWS_OF_AN_HOUR = 12;

/**
 * One sentence with the numbers of a verdict, for a person to check:
 * `alice, get secrets, prod: 212 in 5 min; usual at Tue 03:00 is 0.4, highest at this hour 2, overall 31; p<1e-40`.
 *
 * @param what - who did what where. Goes in as it is: whoever shows the sentence escapes it.
 * @param calendar - in whose time zone the hour is named
 */
export function explainSpike(what: string, verdict: SpikeVerdict, calendar: Calendar): string {
  const hour = calendar.labelOf(Math.floor(verdict.window / WINDOWS_OF_AN_HOUR));
  // Each is forgotten at a pace of its own; the highest of any hour is no lower than that of one.
  const overall = Math.max(verdict.highestOverall, verdict.highestThisHour);
  const numbers = [
    `${what}: ${verdict.count} in 5 min`,
    `usual at ${hour} is ${short(verdict.expected)}, highest at this hour ${short(verdict.highestThisHour)}, overall ${short(overall)}`,
  ];
  const { tailLog10 } = verdict;
  // Towards 1, so that what is said is true: p<1e-40 for 10 to the power of -40.3.
  if (tailLog10 !== undefined && tailLog10 < 0) numbers.push(`p<1e${Math.ceil(tailLog10).toFixed(0)}`);
  return numbers.join('; ');
}

/** Two digits of small numbers, none after the point of large ones. */
function short(value: number): string {
  if (value >= 10) return value.toFixed(0);
  return value >= 0.1 || value === 0 ? String(Number(value.toFixed(1))) : '<0.1';
}
