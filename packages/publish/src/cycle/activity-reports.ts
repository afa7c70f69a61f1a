import {
  type ActivityDay,
  activityReport,
  type ActivityReport,
  activityDayOf,
  type ActivityState,
  dayStartUs,
  type DetectionFinding,
  type OfficeHours,
  type PseudonymOf,
  REPORT_HISTORY_DAYS,
  type ReportOptions,
  stateRemarks,
  type TimeZone,
  TRACE_RETENTION,
} from '@leastwise/activity';
import { type ClusterState, firstDaysIn } from '@leastwise/rbac';
import {
  activityDayPath,
  activityFolder,
  activityIndexPath,
  clusterFolder,
  isGeneratedActivity,
  markdownCode,
  readActivityDayPath,
  renderActivityIndex,
  renderActivityMarkdown,
} from '@leastwise/render';

import type { Proposal } from '../conduct/index.ts';
import type { ReportChoice } from '../team/index.ts';
import { quoted } from '../team/problem.ts';
import type { Files, PlannedChange } from '../types.ts';
import { textsFingerprint } from './fingerprint.ts';
import { COMMIT_FOOTER, type Proposed } from './policy-proposals.ts';

/** How reports of activity are made. What of people is in them is the team's to say. */
export interface ActivityReportSettings {
  /** Without it nobody has a pseudonym, and people who are to have one are left out. */
  readonly pseudonymOf?: PseudonymOf | undefined;
  /** Of the heat map and office hours; UTC where it is not given. */
  readonly timeZone?: TimeZone | undefined;
  readonly officeHours?: OfficeHours | undefined;
}

/** What is known of what people did. */
export interface ObservedActivity {
  /** In each cluster. */
  readonly states: readonly ActivityState[];
  /** By cluster, what detections of the stream found; absent where nobody looked. */
  readonly findings?: ReadonlyMap<string, readonly DetectionFinding[]> | undefined;
}

/** Names the pull requests of reports of activity. */
const GROUP = 'kubectl';

/** What the reports of one cluster are made of. */
interface Scene {
  readonly cluster: ClusterState;
  readonly days: ReadonlyMap<number, ActivityDay>;
  /** The UTC day of the cluster's newest request: it goes on. */
  readonly newestDay: number;
  readonly options: ReportOptions;
  readonly findings: readonly DetectionFinding[] | undefined;
  readonly retentionDays: number;
}

/**
 * The reports of what people, and service accounts with kubectl, did: of each cluster one for each day that is over, as
 * long as the state knows its requests, and a page of those days; where the base has others. A day that is told once more
 * is written anew; what is older than the team keeps reports is removed. A day without anything to tell has no report.
 */
export function proposeActivityReports(
  clusters: readonly ClusterState[],
  activity: ObservedActivity,
  {
    settings,
    choice,
    base,
  }: {
    readonly settings: ActivityReportSettings;
    readonly choice: ReportChoice;
    readonly base: Files;
  },
): Proposed {
  const problems: string[] = [];
  const isKeyMissing = choice.people === 'pseudonymous' && settings.pseudonymOf === undefined;
  if (isKeyMissing && clusters.length > 0) {
    problems.push(
      'leastwise.yaml wants pseudonyms in reports, and there is no key for them: people are left out',
    );
  }
  const isWithoutPeople = choice.people === 'none' || isKeyMissing;
  const proposals = clusters.flatMap((cluster): Proposal[] => {
    const { cluster: name, lastSeenUs } = cluster;
    const changes = changesOf(
      {
        cluster,
        days: activity.states.find((state) => state.cluster === name)?.days ?? new Map(),
        newestDay: activityDayOf(lastSeenUs),
        options: {
          ...{ cluster: name, isWithoutPeople, historyDays: REPORT_HISTORY_DAYS },
          ...{ timeZone: settings.timeZone, officeHours: settings.officeHours },
          pseudonymOf: choice.people === 'pseudonymous' ? settings.pseudonymOf : undefined,
        },
        findings: activity.findings && (activity.findings.get(name) ?? []),
        retentionDays: choice.retentionDays,
      },
      base,
      problems,
    );
    return changes.length === 0 ? [] : [proposalOf(name, changes)];
  });
  return { proposals, problems };
}

function changesOf(scene: Scene, base: Files, problems: string[]): PlannedChange[] {
  const { cluster, newestDay, retentionDays } = scene;
  const wanted = wantedFiles(scene, base);
  const oldest = newestDay - retentionDays + 1;
  for (const path of base.keys()) {
    const day = readActivityDayPath(cluster.cluster, path);
    if (day !== undefined && day < oldest) wanted.set(path, undefined);
  }
  return [...wanted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, content]): PlannedChange[] => {
      const before = base.get(path);
      if (before === content) return [];
      if (before !== undefined && !isGeneratedActivity(path, before)) {
        // Only where it is in the way of something.
        if (content !== undefined)
          problems.push(`${quoted(path)} is not written by leastwise: it is left alone`);
        return [];
      }
      return [content === undefined ? { action: 'delete', path } : { action: 'write', path, content }];
    });
}

/** The files of the days that the state knows; `undefined`: there is to be none. */
function wantedFiles(scene: Scene, base: Files): Map<string, string | undefined> {
  const { cluster, days, newestDay, retentionDays } = scene;
  const { cluster: name, firstSeenUs } = cluster;
  const files = new Map<string, string | undefined>();
  const firstDay = newestDay - Math.min(TRACE_RETENTION.days, retentionDays) + 1;
  for (let day = firstDay; day < newestDay; day += 1) {
    const path = activityDayPath(name, day);
    // A state that was built anew may know less of the day than the report that is there.
    if (firstSeenUs > dayStartUs(day) && base.has(path)) continue;
    const report = days.has(day) ? reportOf(scene, day, day) : undefined;
    files.set(path, report && hasNews(report) ? renderActivityMarkdown(report) : undefined);
  }
  const newest = reportOf(scene, firstDay, newestDay - 1);
  files.set(activityIndexPath(name), hasNews(newest) ? renderActivityIndex(newest) : undefined);
  return files;
}

function hasNews({ people, others, unusual }: ActivityReport): boolean {
  return people.length > 0 || others.requests > 0 || unusual.length > 0;
}

function reportOf(
  { cluster, days, options, findings }: Scene,
  fromDay: number,
  toDay: number,
): ActivityReport {
  const firstDayOf = firstDaysIn(cluster);
  const remarks = stateRemarks(days.values(), { firstDayOf, alerts: findings, fromDay, toDay });
  const notes = [
    ...(cluster.firstSeenUs > dayStartUs(fromDay)
      ? ['Nothing is known of the beginning of the period.']
      : []),
    ...remarks.notes,
  ];
  const { detected } = remarks;
  return activityReport(days.values(), { ...options, fromDay, toDay }, { detected, notes });
}

function proposalOf(cluster: string, changes: readonly PlannedChange[]): Proposal {
  const title = `Update the kubectl reports of ${clusterFolder(cluster)}`;
  const written = changes.filter(({ action }) => action === 'write').length;
  const removed = changes.length - written;
  const what = [
    ...(written === 0 ? [] : [`${written} written`]),
    ...(removed === 0 ? [] : [`${removed} removed`]),
  ];
  return {
    cluster,
    group: GROUP,
    kind: 'reports',
    changes,
    fingerprint: textsFingerprint(
      changes.flatMap((change) => [change.path, change.action === 'write' ? change.content : '']),
    ),
    title,
    body: `Reports of what was done with kubectl in cluster ${markdownCode(cluster)}, in ${markdownCode(activityFolder(cluster))}: ${what.join(', ')}. This grants nothing and takes nothing away.`,
    labels: ['leastwise/reports'],
    reviewers: [],
    commitMessage: `${title}\n\n${COMMIT_FOOTER}`,
  };
}
