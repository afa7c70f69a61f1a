import { type Subject, subjectKey } from '@leastwise/audit-event';
import type { Auditor } from '@leastwise/findings';
import type { ClusterState } from '@leastwise/rbac';
import {
  needsReviewer,
  policyReportPath,
  type PullRequestReport,
  pullRequestOverflowPath,
  type RepositoryLinks,
} from '@leastwise/render';

import { branchOf } from '../conduct/index.ts';
import { daysWithEvents } from '../policy-report.ts';
import { groupOf, TEAM_FILE_PATH } from '../team/index.ts';
import { placeOf } from './approved-files.ts';
import { blindSpotsOf } from './blind-spots.ts';
import type { GroupChange, Owned } from './groups.ts';
import type { BaseLook } from './look-at-base.ts';
import { RiskJudge } from './risk.ts';
import { rulesFor, subjectRow } from './rows.ts';
import type { SubjectPlan } from './subjects.ts';
import type { CycleSettings, ObservedState, WithheldReason } from './types.ts';
import type { Verdict } from './verify.ts';

/** What all pull requests of a cycle say alike. */
export class Frame {
  readonly #settings: CycleSettings;
  readonly #look: BaseLook;
  readonly #state: ObservedState;
  readonly #days = new Map<ClusterState, number>();
  readonly #heldBack: ReadonlyMap<string, PullRequestReport['heldBack']>;
  readonly #risk: RiskJudge;

  /** @param auditor - what it remembers of roles serves whoever else judges the same ones */
  constructor(
    state: ObservedState,
    settings: CycleSettings,
    { look, plans, auditor }: { look: BaseLook; plans: readonly SubjectPlan[]; auditor: Auditor },
  ) {
    this.#state = state;
    this.#settings = settings;
    this.#look = look;
    this.#heldBack = heldBackOf(plans, look);
    this.#risk = new RiskJudge(settings, auditor);
  }

  /** Whether somebody has to look at it, for what it grants is dangerous. @param verdicts - as for `reportOf` */
  needsReviewer(group: GroupChange, verdicts: readonly Verdict[]): boolean {
    const risks = this.#risk.risksOf(group, verdicts);
    const subjects = group.parts.map(({ change: { change }, covers }, i) => ({
      added: change.added.filter(({ namespace }) => covers.has(namespace)),
      risk: risks[i],
    }));
    return needsReviewer(subjects);
  }

  /** Everything that one pull request says. @param verdicts - of the group's parts, in their order */
  reportOf(group: GroupChange, verdicts: readonly Verdict[]): PullRequestReport {
    const { kind, cluster, group: name, parts } = group;
    const [first] = parts;
    if (first === undefined) throw new RangeError('a pull request about nobody');
    const { plan } = first.change;
    const links = this.linksOf(branchOf(group));
    const risks = this.#risk.risksOf(group, verdicts);
    const evidencePath = this.#settings.publishesReports ? { evidencePath: policyReportPath(cluster) } : {};
    return {
      kind,
      cluster,
      group: name,
      subjects: parts.flatMap((part, i) => {
        const [verdict, risk] = [verdicts[i], risks[i]];
        return verdict === undefined || risk === undefined ? [] : [{ ...subjectRow(part, verdict), risk }];
      }),
      heldBack: this.#heldBack.get(JSON.stringify([cluster, name])) ?? [],
      blindSpots: blindSpotsOf(group, plan.cluster),
      window: {
        firstEventUs: plan.cluster.firstSeenUs,
        lastEventUs: plan.cluster.lastSeenUs,
        daysWithEvents: this.#daysOf(plan.cluster),
        lateEvents: this.#state.late,
        lostEvents: this.#state.lost,
      },
      version: this.#settings.version,
      controls: controlsOf(group, plan.policy.subject, this.#look.choices.stopLabel),
      overflowPath: pullRequestOverflowPath(cluster, name, kind),
      ...evidencePath,
      ...(links === undefined ? {} : { links }),
    };
  }

  /** Where files can be read in a browser; `undefined` where the URL of the base does not end in its branch's name. */
  linksOf(branch: string): RepositoryLinks | undefined {
    const { links: base, base: name } = this.#settings;
    if (base === undefined) return undefined;
    const url = base.replace(/\/+$/, '');
    if (!url.endsWith(`/${name}`)) return undefined;
    return { base: url, branch: `${url.slice(0, -name.length)}${branch}` };
  }

  #daysOf(cluster: ClusterState): number {
    const known = this.#days.get(cluster);
    if (known !== undefined) return known;
    const days = daysWithEvents(cluster.subjects.values());
    this.#days.set(cluster, days);
    return days;
  }
}

/** Those whom somebody who reviews this group's policies would miss in them. */
const TOLD: ReadonlySet<WithheldReason> = new Set(['refused', 'unreadable', 'foreign-file', 'held'] as const);

function heldBackOf(plans: readonly SubjectPlan[], owned: Owned): Map<string, PullRequestReport['heldBack']> {
  const byGroup = new Map<string, { readonly subject: Subject; readonly remark: string }[]>();
  for (const { cluster, policy, approved, withheld } of plans) {
    if (withheld === undefined || !TOLD.has(withheld.reason)) continue;
    const { subject } = policy;
    const namespaces = [...policy.objects, ...approved.objects].map(placeOf);
    const groups = new Set(
      namespaces.map((namespace) => {
        const scope = { cluster: cluster.cluster, subject, namespace };
        return groupOf(scope, owned.choices, owned.codeowners).group;
      }),
    );
    for (const group of groups) {
      const key = JSON.stringify([cluster.cluster, group]);
      byGroup.set(key, [...(byGroup.get(key) ?? []), { subject, remark: withheld.remark }]);
    }
  }
  return byGroup;
}

/** Examples with a subject and a rule of this very pull request. */
function controlsOf(
  { kind, parts }: GroupChange,
  whom: Subject,
  stopLabel: string,
): PullRequestReport['controls'] {
  const [first] = parts.flatMap(({ change, covers }) => {
    const { added, removed } = change.change;
    return (kind === 'additions' ? added : removed)
      .filter(({ namespace }) => covers.has(namespace))
      .map((cell) => ({ cell, subject: change.plan.policy.subject }));
  });
  const subject = subjectKey(first?.subject ?? whom);
  const namespace = first?.cell.namespace ?? '';
  const scope = namespace === '' ? { clusterWide: true } : { namespaces: [namespace] };
  const rules = first === undefined ? [] : rulesFor([first]).map(({ rule }) => ({ ...rule }));
  return {
    stopLabel,
    teamFile: TEAM_FILE_PATH,
    pin: { pinned: [{ subjects: [subject], ...scope, rules }] },
    ignore: { ignoredSubjects: [subject] },
  };
}
