import type { InferredPolicies, InferredPolicy } from '@leastwise/publish';
import type { ClusterState, ExceptionClass } from '@leastwise/rbac';
import { dayOf, totalOfRules } from '@leastwise/rbac';

import type { IngestStats } from './ingest.ts';
import type { Io } from './io.ts';
import { refusalLine } from './policies.ts';
import { counted, formatBytes, formatCount } from './progress.ts';

/** Below this span of evidence, rights that are used once a month have not been seen yet. */
const SHORT_EVIDENCE_DAYS = 30;

/** What a run did and found: printed for people, or as JSON for machines. */
export interface Summary {
  readonly input: {
    readonly origins: number;
    readonly bytes: number;
    readonly events: number;
    readonly requests: number;
    readonly repeated: number;
    readonly onlyReceived: number;
    readonly skipped: Readonly<Record<string, number>>;
    readonly unreadable: Readonly<Record<string, number>>;
    readonly unreadableSamples: readonly string[];
  };
  readonly evidence: {
    readonly firstSeen: string | null;
    readonly lastSeen: string | null;
    /** Days from the first to the last, both included. */
    readonly days: number;
    readonly isShort: boolean;
  };
  readonly subjects: number;
  /** Subjects that get a policy. */
  readonly policies: number;
  readonly objects: number;
  readonly rules: number;
  /** Subjects without a policy, because another one's would stand in the same place: who, and why. */
  readonly refusedPolicies: readonly string[];
  /** Observed permissions that are not in a policy, by reason. */
  readonly exceptions: Readonly<Record<ExceptionClass, number>>;
  /** Refused requests. */
  readonly refused: number;
  /** Places where names, namespaces or verbs were widened. */
  readonly widened: number;
  readonly incomplete: number;
  /** Requests of subjects beyond those that are kept. */
  readonly beyondSubjects: number;
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Microseconds since the epoch as RFC 3339 to the second. */
export function formatTime(us: number): string {
  return new Date(us / 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}

function evidenceOf(clusters: readonly ClusterState[]): Summary['evidence'] {
  const seen = clusters.filter(({ lastSeenUs }) => lastSeenUs > 0);
  if (seen.length === 0) return { firstSeen: null, lastSeen: null, days: 0, isShort: true };
  const first = Math.min(...seen.map(({ firstSeenUs }) => firstSeenUs));
  const last = Math.max(...seen.map(({ lastSeenUs }) => lastSeenUs));
  const days = dayOf(last) - dayOf(first) + 1;
  return {
    firstSeen: formatTime(first),
    lastSeen: formatTime(last),
    days,
    isShort: days < SHORT_EVIDENCE_DAYS,
  };
}

function exceptionsOf(policies: readonly InferredPolicy[]): Record<ExceptionClass, number> {
  const counts: Record<ExceptionClass, number> = {
    withheld: 0,
    'granted-by-default': 0,
    'other-authorizer': 0,
    unrenderable: 0,
    'outside-retention': 0,
    'namespace-gone': 0,
    'not-selected': 0,
  };
  for (const { policy } of policies) for (const exception of policy.exceptions) counts[exception.class] += 1;
  return counts;
}

/** What a summary is made of. */
export interface SummaryInput {
  readonly stats: IngestStats;
  readonly onlyReceived: number;
  readonly unreadableSamples: readonly string[];
  readonly clusters: readonly ClusterState[];
  readonly inferred: InferredPolicies;
}

/** Sums a run up. */
export function summarize(input: SummaryInput): Summary {
  const { stats, clusters } = input;
  const { policies, refused } = input.inferred;
  const objects = policies.flatMap(({ policy }) => policy.objects);
  return {
    input: {
      origins: stats.origins,
      bytes: stats.bytes,
      events: stats.events,
      requests: stats.requests,
      repeated: stats.repeated,
      onlyReceived: input.onlyReceived,
      skipped: sorted(stats.skipped),
      unreadable: sorted(stats.bad),
      unreadableSamples: input.unreadableSamples,
    },
    evidence: evidenceOf(clusters),
    subjects: clusters.reduce((sum, { subjects }) => sum + subjects.size, 0),
    policies: policies.filter(({ policy }) => policy.objects.length > 0).length,
    objects: objects.length,
    rules: objects.reduce((sum, object) => sum + ('rules' in object ? object.rules.length : 0), 0),
    refusedPolicies: refused.map(refusalLine),
    exceptions: exceptionsOf(policies),
    refused: [...policies, ...refused].reduce((sum, { state }) => sum + totalOfRules(state.denied).count, 0),
    widened: policies.reduce((sum, { policy }) => sum + policy.widenings.length, 0),
    incomplete: policies.filter(({ policy }) => policy.isIncomplete).length,
    beyondSubjects: clusters.reduce((sum, { subjectsOverflow }) => sum + (subjectsOverflow?.count ?? 0), 0),
  };
}

const EXCEPTION_TEXT: Readonly<Record<ExceptionClass, string>> = {
  withheld: 'withheld (special verbs; --special-verbs Grant renders them)',
  'granted-by-default': 'granted by default to everybody',
  'other-authorizer': 'allowed by another authorizer, not by RBAC',
  unrenderable: 'cannot be expressed as a rule',
  'outside-retention': 'not used within the retention',
  'namespace-gone': 'in namespaces that were deleted or idle',
  'not-selected': 'in other namespaces than the chosen one',
};

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([reason, count]) => `${formatCount(count)} ${reason}`)
    .join(', ');
}

/** Permissions by reason for lists like `3 withheld`; empty reasons are left out. */
function exceptionLines(summary: Summary): string[] {
  return Object.entries(EXCEPTION_TEXT)
    .map(([reason, text]) => ({ count: summary.exceptions[reason as ExceptionClass], text }))
    .filter(({ count }) => count > 0)
    .map(({ count, text }) => `  not granted  ${counted(count, 'permission')} ${text}`);
}

function inputLines({ input }: Summary): string[] {
  const lines = [
    `  read         ${formatBytes(input.bytes)} in ${counted(input.origins, 'source')}: ` +
      `${formatCount(input.events)} events, ${formatCount(input.requests)} requests counted` +
      (input.repeated > 0 ? `, ${formatCount(input.repeated)} repeated` : ''),
  ];
  if (Object.keys(input.skipped).length > 0) lines.push(`  skipped      ${countsText(input.skipped)}`);
  if (input.onlyReceived > 0) {
    lines.push(
      `  unfinished   ${formatCount(input.onlyReceived)} requests seen only as received, outcome unknown`,
    );
  }
  return lines;
}

/** The summary as a person reads it, line by line. */
export function summaryText(summary: Summary, io: Io): string {
  const { bold, yellow, red } = io.colors;
  const { evidence, input } = summary;
  const lines = [...inputLines(summary)];
  if (evidence.firstSeen !== null) {
    lines.push(
      `  evidence     ${evidence.firstSeen} to ${evidence.lastSeen ?? ''} (${counted(evidence.days, 'day')})`,
    );
  }
  lines.push(
    `  policies     ${bold(formatCount(summary.policies))} of ${formatCount(summary.subjects)} subjects: ` +
      `${formatCount(summary.objects)} objects, ${formatCount(summary.rules)} rules`,
    ...exceptionLines(summary),
  );
  if (summary.refusedPolicies.length > 0) {
    const count = formatCount(summary.refusedPolicies.length);
    lines.push(red(`  left out     ${count} policies refused: others would stand in the same place`));
  }
  if (summary.refused > 0)
    lines.push(`  refused      ${formatCount(summary.refused)} requests, never granted by asking`);
  if (summary.widened > 0)
    lines.push(`  widened      ${formatCount(summary.widened)} places (names collapsed, and the like)`);
  if (summary.incomplete > 0) {
    lines.push(
      red(`  incomplete   ${formatCount(summary.incomplete)} policies: more rules were seen than are kept`),
    );
  }
  if (summary.beyondSubjects > 0) {
    lines.push(
      red(`  incomplete   ${counted(summary.beyondSubjects, 'request')} of more subjects than are kept`),
    );
  }
  const unreadable = Object.values(input.unreadable).reduce((sum, count) => sum + count, 0);
  if (unreadable > 0) {
    lines.push(yellow(`  unreadable   ${formatCount(unreadable)} records: ${countsText(input.unreadable)}`));
    for (const sample of input.unreadableSamples.slice(0, 5)) lines.push(yellow(`               ${sample}`));
  }
  if (evidence.isShort && evidence.firstSeen !== null) {
    lines.push(
      yellow(
        `  warning      the evidence reaches back ${counted(evidence.days, 'day')}: ` +
          'what runs weekly or monthly may be missing',
      ),
    );
  }
  return lines.join('\n') + '\n';
}
