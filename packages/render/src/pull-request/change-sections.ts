import { escapeInvisible } from '../escape-invisible.ts';
import { defuse, markdownFence } from '../escape-markdown.ts';
import { compare, compareSubjects, subjectName } from '../subject-name.ts';
import type { Section } from './fit.ts';
import { comparePermissions, fold, grantText, ruleLine, shorten, table, targetKey } from './markdown.ts';
import { dayOf, daysRange } from './ranges.ts';
import type { PullRequestReport, RuleChange } from './report.ts';
import { bySubjectSection, LEAST_ROWS, rowsOf, verbsByTarget } from './sections.ts';

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
