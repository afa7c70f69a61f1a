import { compare } from '../subject-name.ts';
import type { Section } from './fit.ts';
import { code, table } from './markdown.ts';
import { type PullRequestReport, type RiskFinding, SEVERITIES, type SubjectChange } from './report.ts';
import { LEAST_ROWS, sentence } from './sections.ts';

/** How often findings of one severity come and go. */
export interface RiskChange {
  readonly severity: RiskFinding['severity'];
  readonly difference: number;
}

/** What becomes of a finding, in the order in which a reviewer wants to know. */
const FATES = ['new', 'changed', 'gone', 'same'] as const;

/** One line of the table: a finding that comes, changes or goes; or all of one check, severity and subject that stay. */
interface RiskRow extends Pick<RiskFinding, 'id' | 'severity' | 'remedy'> {
  readonly fate: (typeof FATES)[number];
  readonly before: number;
  readonly after: number;
  /** As many as stay of one subject; else one. Sorted. */
  readonly what: readonly string[];
}

/** The worst ones are named in a warning; the table has all of them. */
const NAMED = 5;
const ID_CHARACTERS = 20;

const COLUMNS = [
  { title: 'rule' },
  { title: 'severity' },
  { title: 'before', isNumber: true },
  { title: 'after', isNumber: true },
  { title: 'what' },
];

/** Findings after the merge less those before, by severity, the worst first; `undefined` where no check ran. */
export function riskChanges({ subjects }: PullRequestReport): RiskChange[] | undefined {
  const risks = subjects.flatMap(({ risk }) => (risk === undefined ? [] : [risk]));
  if (risks.length === 0) return undefined;
  return SEVERITIES.map((severity) => {
    const count = (findings: readonly RiskFinding[]): number =>
      distinct(findings).filter((finding) => finding.severity === severity).length;
    const difference = risks.reduce((sum, { before, after }) => sum + count(after) - count(before), 0);
    return { severity, difference };
  }).filter(({ difference }) => difference !== 0);
}

/** Of what a report says of a subject: what it is granted, and what the checks find. */
export interface Judged {
  readonly added: readonly unknown[];
  readonly risk?: SubjectChange['risk'] | undefined;
}

/**
 * Whether somebody has to look at it before it is merged: a finding of severity HIGH or above holds for what a subject
 * has after the merge, and the merge grants that subject something.
 */
export function needsReviewer(subjects: readonly Judged[]): boolean {
  return graveFindings(subjects).length > 0;
}

/** The warning that goes with {@link needsReviewer}, naming the worst; none where nobody has to. */
export function reviewerWarnings(report: PullRequestReport): string[] {
  const names = new Set(
    distinct(graveFindings(report.subjects)).map(
      ({ id, severity }) => `${code(id, ID_CHARACTERS)} ${severity}`,
    ),
  );
  if (names.size === 0) return [];
  const rest = names.size - NAMED;
  const named = [...[...names].slice(0, NAMED), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  return [
    `> **A reviewer is required:** after the merge, a subject that this grants something has findings of severity HIGH or above. Look at these first: ${named}. See _Risk_.`,
  ];
}

/** Each finding that comes, changes or goes, how many stay, and how those that hold are put right. */
export function riskSection({ subjects }: PullRequestReport, importance: number): Section {
  const rows = subjects.flatMap(rowsOf).sort(compareRows);
  return {
    noun: 'finding',
    size: rows.length,
    importance,
    least: LEAST_ROWS,
    render: (shown) => {
      const some = rows.slice(0, shown);
      const cells = some.map((row) => [
        code(row.id, ID_CHARACTERS),
        row.severity,
        String(row.before),
        String(row.after),
        whatText(row),
      ]);
      const blocks = shown === 0 ? [] : [table(COLUMNS, cells), ...remedyBlocks(some)];
      return ['### Risk', ...blocks].join('\n\n');
    },
  };
}

function graveFindings(subjects: readonly Judged[]): RiskFinding[] {
  return subjects
    .filter(({ added }) => added.length > 0)
    .flatMap(({ risk }) => risk?.after ?? [])
    .filter(isGrave);
}

function isGrave({ severity }: Pick<RiskFinding, 'severity'>): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf('HIGH');
}

function rowsOf({ risk }: SubjectChange): RiskRow[] {
  if (risk === undefined) return [];
  const [before, after] = [byKey(risk.before), byKey(risk.after)];
  const rows: RiskRow[] = [];
  const staying = new Map<string, RiskFinding[]>();
  for (const [key, finding] of after) {
    const { id, severity, remedy, what } = finding;
    const old = before.get(key);
    if (old?.what === what) {
      const group = JSON.stringify([id, severity]);
      staying.set(group, [...(staying.get(group) ?? []), finding]);
    } else {
      const fate = old === undefined ? 'new' : 'changed';
      rows.push({ fate, id, severity, remedy, before: old ? 1 : 0, after: 1, what: [what] });
    }
  }
  for (const [key, { id, severity, remedy, what }] of before) {
    if (after.has(key)) continue;
    rows.push({ fate: 'gone', id, severity, remedy, before: 1, after: 0, what: [what] });
  }
  for (const group of staying.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { id, severity, remedy } = first;
    const [count, what] = [group.length, group.map((each) => each.what).sort()];
    rows.push({ fate: 'same', id, severity, remedy, before: count, after: count, what });
  }
  return rows;
}

/** One whose severity changes is another one, so that the rows add up to the numbers of the first line. */
function byKey(findings: readonly RiskFinding[]): Map<string, RiskFinding> {
  return new Map(findings.map((finding) => [JSON.stringify([finding.key, finding.severity]), finding]));
}

/** Each once, the worst first. */
function distinct(findings: readonly RiskFinding[]): RiskFinding[] {
  return [...byKey(findings).values()].sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || compare(a.id, b.id),
  );
}

function compareRows(a: RiskRow, b: RiskRow): number {
  return (
    FATES.indexOf(a.fate) - FATES.indexOf(b.fate) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    compare(a.id, b.id) ||
    compare(JSON.stringify(a.what), JSON.stringify(b.what))
  );
}

function whatText({ fate, what }: RiskRow): string {
  const [first = ''] = what;
  const more = what.length > 1 ? `; and ${what.length - 1} more` : '';
  const text = sentence(first) + more;
  switch (fate) {
    case 'new':
      return `**new:** ${text}`;
    case 'changed':
      return `**changed:** ${text}`;
    case 'gone':
      return `gone: ${text}`;
    case 'same':
      return `as before: ${text}`;
  }
}

/** For what holds after the merge and is news, or grave. */
function remedyBlocks(rows: readonly RiskRow[]): string[] {
  const remedies = new Map<string, string>();
  for (const row of rows) {
    const isNews = row.fate === 'new' || row.fate === 'changed';
    if (isNews || (row.fate === 'same' && isGrave(row))) remedies.set(row.id, row.remedy);
  }
  if (remedies.size === 0) return [];
  const lines = [...remedies]
    .sort(([a], [b]) => compare(a, b))
    .map(([id, remedy]) => `- ${code(id, ID_CHARACTERS)}: ${sentence(remedy.replaceAll('`', ''))}`);
  return ['To put it right:', lines.join('\n')];
}
