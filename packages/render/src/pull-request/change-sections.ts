import { escapeInvisible } from '../escape-invisible.ts';
import { defuse, markdownFence } from '../escape-markdown.ts';
import { compare, compareSubjects, subjectName } from '../subject-name.ts';
import type { Section } from './fit.ts';
import {
  code,
  comparePermissions,
  fold,
  grantText,
  ruleLine,
  shorten,
  table,
  targetKey,
} from './markdown.ts';
import { dayOf, daysRange } from './ranges.ts';
import { type PullRequestReport, type RiskFinding, type RuleChange, SEVERITIES } from './report.ts';
import { bySubjectSection, LEAST_ROWS, rowsOf, subjectText, verbsByTarget } from './sections.ts';

/** A rule of ten names fits. */
const LINE_CHARACTERS = 1000;

/** What is taken away, verbs of one target on one line, with why that is safe. */
export function removedSection({ subjects }: PullRequestReport, importance: number): Section {
  const rows = rowsOf(subjects, ({ removed }) => {
    const cells = removed
      .map(({ permission, lastUsedUs, unusedDays, observableDays }) => ({
        permission,
        safe: [
          lastUsedUs === undefined ? 'never seen' : dayOf(lastUsedUs),
          `${daysRange(unusedDays)} days`,
          `${daysRange(observableDays)} days`,
        ],
      }))
      .sort(
        (a, b) => comparePermissions(a.permission, b.permission) || compare(a.safe.join(), b.safe.join()),
      );
    const grouped = verbsByTarget(
      cells,
      ({ permission, safe }) => JSON.stringify([targetKey(permission), safe]),
      ({ permission }) => permission,
    );
    return grouped.map(({ row, verbs }) => [grantText({ permission: row.permission, verbs }), ...row.safe]);
  });
  const columns = [
    { title: 'grant' },
    { title: 'last used' },
    { title: 'unused', isNumber: true },
    { title: 'observable', isNumber: true },
  ];
  return bySubjectSection(
    { title: '### Removed', noun: 'removed line', importance, least: LEAST_ROWS },
    rows,
    (some) => table(columns, some),
  );
}

/** How often findings of one severity come and go. */
export interface RiskChange {
  readonly severity: RiskFinding['severity'];
  readonly difference: number;
}

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

/** Every finding with what becomes of it. */
export function riskSection({ subjects }: PullRequestReport, importance: number): Section {
  const rows = rowsOf(subjects, ({ risk }) => {
    if (risk === undefined) return [];
    const before = new Set(risk.before.map(findingKey));
    const after = new Set(risk.after.map(findingKey));
    return distinct([...risk.before, ...risk.after]).map((finding) => ({
      ...finding,
      fate: fateOf(before.has(findingKey(finding)), after.has(findingKey(finding))),
    }));
  }).map(({ subject, row }) => [subjectText(subject), code(row.id), row.severity, row.fate]);
  const columns = [
    { title: 'subject' },
    { title: 'finding' },
    { title: 'severity' },
    { title: 'after the merge' },
  ];
  return {
    noun: 'finding',
    size: rows.length,
    importance,
    least: LEAST_ROWS,
    render: (shown) =>
      ['### Risk', ...(shown === 0 ? [] : [table(columns, rows.slice(0, shown))])].join('\n\n'),
  };
}

function fateOf(isBefore: boolean, isAfter: boolean): string {
  if (isBefore && isAfter) return 'stays';
  return isAfter ? '**new**' : 'gone';
}

/** Each once, the worst first. */
function distinct(findings: readonly RiskFinding[]): RiskFinding[] {
  const byKey = new Map(findings.map((finding) => [findingKey(finding), finding]));
  return [...byKey.values()].sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || compare(a.id, b.id),
  );
}

function findingKey({ id, severity }: RiskFinding): string {
  return JSON.stringify([id, severity]);
}

/** The rules before and after as a diff, one rule a line. What is the same in both is context. */
export function rulesSection({ subjects }: PullRequestReport, importance: number): Section {
  const lines = [...subjects]
    .sort((a, b) => compareSubjects(a.subject, b.subject))
    .flatMap(({ subject, rules }) =>
      [...rules]
        .sort((a, b) => compare(a.namespace, b.namespace))
        .flatMap((change) => {
          const place = change.namespace === '' ? 'cluster-wide' : `in ${change.namespace}`;
          // Rules are silent already, in YAML's own way.
          return [`# ${defuse(`${subjectName(subject)}, ${place}`)}`, ...diffOf(change)];
        }),
    )
    .map((line) => escapeInvisible(shorten(line, LINE_CHARACTERS)));
  return {
    noun: 'rule line',
    size: lines.length,
    importance,
    render: (shown) =>
      shown === 0
        ? '### Rules'
        : fold(
            'Rules before and after, one on each line',
            markdownFence('diff', lines.slice(0, shown).join('\n')),
          ),
  };
}

/** Sorted by the rule and not by its sign, so that a rule that loses a verb stands beside itself. */
function diffOf({ before, after }: RuleChange): string[] {
  const old = new Set(before.map(ruleLine));
  const wanted = new Set(after.map(ruleLine));
  return [...new Set([...old, ...wanted])].sort().map((line) => {
    if (old.has(line) && wanted.has(line)) return `  ${line}`;
    return `${wanted.has(line) ? '+' : '-'} ${line}`;
  });
}
