import type { Subject } from '@leastwise/audit-event';

import { markdownFence } from '../escape-markdown.ts';
import type { ObservedPermission } from '../policy-report.ts';
import { compareSubjects } from '../subject-name.ts';
import { fit, type Part } from './fit.ts';
import { code, comparePermissions, counted, permissionText, ruleYaml, table } from './markdown.ts';
import { countRange } from './ranges.ts';
import type { ScopedRule } from './report.ts';
import { bySubjectSection, clientsText, subjectText } from './sections.ts';

/** A subject that is refused what a merge took from it. */
export interface RefusedAfterMerge {
  readonly subject: Subject;
  readonly refused: readonly ObservedPermission[];
  /** The rule that would allow all of it, for each scope. */
  readonly cures: readonly ScopedRule[];
}

/** What happened in the day after a merge. */
export interface AfterMergeReport {
  readonly cluster: string;
  readonly subjects: readonly RefusedAfterMerge[];
  readonly merge: {
    /** Full name of the commit on the base branch. */
    readonly commit: string;
    /** Whether it has two parents; absent where the forge does not say. */
    readonly isMergeCommit?: boolean;
  };
}

/** Why a pull request is left alone. */
export type HeldReason = 'foreign-commits' | 'foreign-base' | 'stopped';

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const HEAD_CHARACTERS = 100;
const COLUMNS = [
  { title: 'refused' },
  { title: 'requests', isNumber: true },
  { title: 'client' },
  { title: 'sample auditID' },
];

/**
 * Renders the comment on a merged pull request whose subjects are now refused what it took from them: which requests,
 * the rule that would cure them, and the command that takes the merge back.
 * @param limit - of the comment, in bytes of UTF-8
 * @remarks Pure; the order of lists makes no difference. Counts are ranges, so that a comment is edited with the news only.
 * @throws InvariantError if the limit is too small for what is always said
 */
export function renderAfterMergeComment(report: AfterMergeReport, limit: number): string {
  const subjects = [...report.subjects].sort((a, b) => compareSubjects(a.subject, b.subject));
  const refused = subjects.flatMap(({ subject, refused: its }) =>
    [...its]
      .sort((a, b) => comparePermissions(a.permission, b.permission))
      .map((observed) => ({ subject, row: refusedRow(observed) })),
  );
  const cures = subjects.flatMap(({ subject, cures: its }) =>
    its.map((cure) => cureText(subject, cure)).sort(),
  );
  const whom = counted(subjects.length, 'subject');
  const parts: Part[] = [
    `**Refused since this merge:** ${counted(refused.length, 'permission')} that it took from ${whom} of cluster ${code(report.cluster, HEAD_CHARACTERS)}.`,
    bySubjectSection({ title: '### Refused', noun: 'refused permission', importance: 2 }, refused, (rows) =>
      table(COLUMNS, rows),
    ),
    {
      noun: 'rule',
      size: cures.length,
      importance: 1,
      render: (shown) => ['### What would allow it', ...cures.slice(0, shown)].join('\n\n'),
    },
    `### What you can do\n\n${revertText(report.merge)}`,
  ];
  return fit(parts, '> **Shortened to fit.**', limit).text;
}

function refusedRow({ permission, count, clients, sampleAuditID }: ObservedPermission): string[] {
  return [permissionText(permission), countRange(count), clientsText(clients), code(sampleAuditID)];
}

function cureText(subject: Subject, { namespace, rule }: ScopedRule): string {
  const place = namespace === '' ? 'cluster-wide' : `in ${code(namespace)}`;
  return `${subjectText(subject)} ${place}:\n\n${markdownFence('yaml', ruleYaml(rule))}`;
}

/** A commit is named by the forge: what is no commit gives no command. */
function revertText({ commit, isMergeCommit }: AfterMergeReport['merge']): string {
  if (!COMMIT.test(commit)) return 'To take all of it back, revert the merge.';
  const byMerge = `git revert --no-edit -m 1 ${commit}`;
  const bySquash = `git revert --no-edit ${commit}`;
  const command =
    isMergeCommit === undefined
      ? `# Where it was merged by a merge commit:\n${byMerge}\n# Where it was squashed or rebased:\n${bySquash}`
      : isMergeCommit
        ? byMerge
        : bySquash;
  return `To take all of it back:\n\n${markdownFence('sh', command)}`;
}

/** Renders the comment that says why a pull request is left alone, and how that ends. */
export function renderHeldComment(reason: HeldReason): string {
  switch (reason) {
    case 'foreign-commits':
      return 'This branch holds commits of other people, so it is left alone. Merge or close it; what is still missing then is proposed anew.';
    case 'foreign-base':
      return 'This pull request goes to another branch than the one configured, so it is left alone. Close it, and it is proposed anew.';
    case 'stopped':
      return 'The stop label is set, so this pull request is left alone. Take the label off, and it is brought up to date.';
  }
}
