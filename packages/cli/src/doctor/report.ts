import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import type { AreaVerdict } from './run-checks.ts';
import type { Outcome } from './verdict.ts';

const WORDS: Readonly<Record<Outcome, string>> = {
  ok: 'ok',
  warning: 'warning',
  failed: 'FAILED',
  skipped: 'skipped',
};
/** A server may say much; more than this helps nobody. In UTF-16 units. */
const MAX_TEXT = 600;

function shown(text: string): string {
  const line = printable(text.replaceAll(/\s*\n\s*/g, '; '));
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

/** How many verdicts there are of each outcome. */
export function countsOf(verdicts: readonly AreaVerdict[]): Readonly<Record<Outcome, number>> {
  const counts: Record<Outcome, number> = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { outcome } of verdicts) counts[outcome] += 1;
  return counts;
}

/** The verdicts as a table for people, remedies below what they are for, and how many there are of each outcome. */
export function verdictTable(verdicts: readonly AreaVerdict[], colors: Io['colors']): string {
  const paint: Readonly<Record<Outcome, (text: string) => string>> = {
    ok: colors.green,
    warning: colors.yellow,
    failed: colors.red,
    skipped: colors.dim,
  };
  const width = Math.max(0, ...verdicts.map(({ area }) => area.length));
  const lines = verdicts.flatMap(({ area, outcome, what, says, remedy }) => {
    const head = `${paint[outcome](WORDS[outcome].padEnd(7))}  ${area.padEnd(width)}`;
    const indent = ' '.repeat(7 + 2 + width + 2);
    return [
      `${head}  ${shown(what)}: ${shown(says)}`,
      ...(remedy === undefined ? [] : [`${indent}→ ${shown(remedy)}`]),
    ];
  });
  const { ok, warning, failed, skipped } = countsOf(verdicts);
  return [...lines, '', `${ok} ok, ${warning} warnings, ${failed} failed, ${skipped} skipped`, ''].join('\n');
}

/** The verdicts for machines. */
export function verdictJson(verdicts: readonly AreaVerdict[]): string {
  const checks = verdicts.map(({ area, what, outcome, says, remedy }) => ({
    ...{ area, what: shown(what), outcome, says: shown(says) },
    ...(remedy === undefined ? {} : { remedy: shown(remedy) }),
  }));
  return `${safeJson(JSON.stringify({ checks, ...countsOf(verdicts) }, null, 2))}\n`;
}
