import type { RbacFinding } from '@leastwise/findings';

import { escapeTerminal } from '../escape-terminal.ts';
import {
  checkOf,
  type FindingsReport,
  isSuppressed,
  openFindings,
  type SuppressedFinding,
  originOf,
} from './report.ts';
import { nameText, objectText, pathTexts, sentenceText, summaryText, whereText } from './text.ts';

const TITLES = ['SEVERITY', 'CHECK', 'OBJECT', 'WHERE'] as const;
/** A longer cell does not widen the others of its column. */
const PADDED_CHARACTERS = 60;

/**
 * Renders findings for a terminal: a row for each, below it what is wrong and by which way, then how each kind of it is
 * put right, what is suppressed, and a line that counts. Ends with a line feed.
 * @remarks Pure. Names are attacker-chosen: nothing in them moves the cursor, changes colours or ends a line.
 */
export function renderFindingsTable(report: FindingsReport): string {
  const open = openFindings(report);
  const lines = [
    ...rowsOf(open),
    ...block('To put it right:', remedies(report, open)),
    ...block('Suppressed:', report.findings.filter(isSuppressed).map(suppressedLine)),
  ];
  return [...lines, summaryText(report), ''].join('\n');
}

function rowsOf(findings: readonly RbacFinding[]): string[] {
  if (findings.length === 0) return [];
  const cells = findings.map(cellsOf);
  const widths = TITLES.map((title, at) =>
    cells.reduce((most, row) => {
      const { length } = row[at] ?? '';
      return length > PADDED_CHARACTERS ? most : Math.max(most, length);
    }, title.length),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const indent = ' '.repeat((widths[0] ?? 0) + 2);
  const rows = findings.flatMap((finding, at) => {
    const details = [sentenceText(finding.message), ...pathTexts(finding)];
    return [line(cells[at] ?? []), ...details.map((detail) => indent + escapeTerminal(detail))];
  });
  return [line(TITLES), ...rows, ''];
}

function cellsOf(finding: RbacFinding): string[] {
  const { severity, check, object } = finding;
  return [severity, nameText(check), objectText(object), whereText(originOf(finding))].map(escapeTerminal);
}

function remedies(report: FindingsReport, open: readonly RbacFinding[]): string[] {
  const ids = [...new Set(open.map(({ check }) => check))].sort();
  return ids.flatMap((id) => {
    const remedy = checkOf(report, id)?.remedy;
    return remedy === undefined ? [] : [escapeTerminal(`${id}: ${sentenceText(remedy)}`)];
  });
}

function suppressedLine({ check, severity, object, suppressed }: SuppressedFinding): string {
  const { owner, until, reason } = suppressed;
  const what = `${severity} ${nameText(check)} ${objectText(object)}`;
  return escapeTerminal(`${what}: by ${nameText(owner)} until ${nameText(until)}: ${sentenceText(reason)}`);
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ''];
}
