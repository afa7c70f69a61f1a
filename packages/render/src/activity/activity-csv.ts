import type { ActivityReport, UnusualRow } from '@leastwise/activity';

import { escapeInvisible } from '../escape-invisible.ts';
import { namesText, timeText } from './text.ts';

const COLUMNS = [
  'cluster',
  'from',
  'to',
  'kind',
  'who',
  'command',
  'certainty',
  'count',
  'refused',
  'failed',
  'names',
  'first (UTC)',
  'last (UTC)',
];

/** What spreadsheets take for the beginning of a formula; full-width forms are folded to these by some. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/**
 * One field. No spreadsheet takes it for a formula: what would be one gets an apostrophe in front. Tabs, line breaks
 * and other invisible characters are shown by their numbers.
 * @see https://owasp.org/www-community/attacks/CSV_Injection and https://www.rfc-editor.org/rfc/rfc4180
 */
function field(text: string): string {
  const visible = escapeInvisible(text);
  const harmless = FORMULA.test(visible) ? `'${visible}` : visible;
  return /[",;]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** What is unusual, in the columns of commands: the severity stands for the certainty, auditIDs for names. */
function unusualFields(row: UnusualRow): string[] {
  const { severity, who, title, why, detection, times, auditIDs, atUs, untilUs } = row;
  const until = timeText(untilUs ?? atUs);
  const what = `${title}${detection === undefined ? '' : ` (${detection})`}: ${why}`;
  return ['unusual', who, what, severity, String(times), '', '', auditIDs.join(', '), timeText(atUs), until];
}

/**
 * Renders the commands of a report as CSV, one row for each actor and kind of command, then what is unusual with
 * `unusual` for a kind, with a header and CRLF. Where a cap left any out, a row says how many.
 */
export function renderActivityCsv(report: ActivityReport): string {
  const { cluster, period, people, unusual, moreUnusual } = report;
  const head = [cluster, period?.from ?? '', period?.to ?? ''];
  const rows = people.flatMap(({ kind, name, commands }) => [
    ...commands.rows.map((row) => [
      ...head,
      kind,
      name,
      row.text,
      row.certainty,
      String(row.count),
      String(row.refused),
      String(row.failed),
      namesText(row),
      timeText(row.firstUs),
      timeText(row.lastUs),
    ]),
    ...(commands.more === 0
      ? []
      : [[...head, kind, name, '(others)', '', String(commands.more), '', '', '', '', '']]),
  ]);
  const findings = unusual.map((row) => [...head, ...unusualFields(row)]);
  const more = [...head, 'unusual', '', '(others)', '', String(moreUnusual), '', '', '', '', ''];
  const all = [COLUMNS, ...rows, ...findings, ...(moreUnusual === 0 ? [] : [more])];
  return all.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}
