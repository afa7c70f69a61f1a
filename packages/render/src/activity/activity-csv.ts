import type { ActivityReport } from '@leastwise/activity';

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

/**
 * Renders the commands of a report as CSV, one row for each actor and kind of command, with a header and CRLF. Where a
 * cap left commands out, a row says how many.
 */
export function renderActivityCsv(report: ActivityReport): string {
  const { cluster, period, people } = report;
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
  return [COLUMNS, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}
