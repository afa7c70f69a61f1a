import { createAuditor } from '@leastwise/findings';
import type { ClusterState, SubjectScore } from '@leastwise/rbac';

import {
  applyReviews,
  type ConductSettings,
  lookAtEnded,
  planReviews,
  type Proposal,
} from '../conduct/index.ts';
import { ForgeError } from '../review.ts';
import type { TeamChoices } from '../team/index.ts';
import { proposeActivityReports } from './activity-reports.ts';
import { planSubjectChanges } from './changes.ts';
import { groupChanges } from './groups.ts';
import { type BaseLook, knownClusters, lookAtBase } from './look-at-base.ts';
import { type Proposed, proposePolicies } from './policy-proposals.ts';
import { managedPolicies } from './managed-policies.ts';
import { proposeReports } from './reports.ts';
import { Frame } from './report-of-group.ts';
import { RepositoryManifests } from './repository-manifests.ts';
import { planRetirements } from './retirement-texts.ts';
import { Scores } from './scores.ts';
import { planSubjects, type Subjects } from './subjects.ts';
import { BaseTree } from './tree.ts';
import type {
  CycleOutcome,
  CyclePorts,
  CycleSettings,
  HoldReason,
  ObservedState,
  WithheldReason,
} from './types.ts';
import { watchMerges } from './watch.ts';

/**
 * Looks at the repository, and plans what would bring it to what the state knows; does nothing. For each subject:
 * inference under the team's knobs, proof, and the difference to what its files at the base grant, additions and
 * removals apart and each against the base alone; then one proposal for each owner group, verified by asking again
 * for all that was counted.
 *
 * The same state and repository give the same plan, whatever the order of the clusters, subjects and files; more
 * evidence of what is granted already gives the same proposals about policies, while numbers stay within their ranges.
 * @throws TeamFileError where `leastwise.yaml` cannot be used, PromiseBrokenError where a policy or a proposal would
 *   break a promise, ForgeError where the repository or the forge cannot be read, and PublishError where the settings
 *   cannot work
 */
export async function planCycle(
  state: ObservedState,
  settings: CycleSettings,
  ports: CyclePorts,
): Promise<CycleOutcome> {
  const clusters = knownClusters(state.clusters);
  const look = await lookAtBase(clusters, settings, ports);
  const subjects = await planSubjects(clusters, look, settings, ports);
  const { plans } = subjects;
  const ground = { choices: look.choices, lost: state.lost, auditPolicies: settings.auditPolicies };
  const found = await planSubjectChanges(plans, ground, ports);
  const auditor = createAuditor();
  const frame = new Frame(state, settings, { look, plans, auditor });
  const world = { tree: new BaseTree(look.files), files: look.files };
  const groups = groupChanges(found.changes, look, settings.directly !== 'everything');
  const policies = await proposePolicies(groups, frame, world, ports);
  const scores = new Scores(settings);
  const scene = { clusters, plans, observable: found.observable, owned: look, settings, scores };
  const reports = settings.publishesReports
    ? proposeReports(scene, look.files, auditor)
    : { proposals: [], problems: [] };
  const activity = proposeActivity(state, clusters, look, settings);
  const readManifests = async (): Promise<RepositoryManifests> => {
    const { base } = look.remote;
    return new RepositoryManifests(base === undefined ? new Map() : await ports.remote.read(base, []));
  };
  const retirements = await planRetirements(scene, readManifests, ports.pulls, frame.linksOf(settings.base));
  const proposals = [
    ...policies.proposals,
    ...reports.proposals,
    ...activity.proposals,
    ...retirements.proposals,
  ];
  const { pulls, nowUs } = ports;
  // What is written only when it is proposed may have problems of its own: they are gathered after it.
  const plan = await planOf(proposals, look, settings, ports);
  const unknown = clusters.reduce((sum, cluster) => sum + countUnknown(cluster.cluster, subjects), 0);
  return {
    plan,
    proposals,
    withheld: countWithheld(subjects),
    waiting: withUnknown(found.waiting, unknown),
    problems: [
      ...new Set([
        ...look.problems,
        ...subjects.problems,
        ...found.problems,
        ...policies.problems,
        ...reports.problems,
        ...activity.problems,
        ...retirements.problems,
      ]),
    ],
    issues: retirements.issues,
    comments: pulls === undefined ? [] : await watchMerges(plans, look, pulls, nowUs),
    policies: managedPolicies(clusters, plans, settings.tellsPoliciesOf),
    scores: toldScores(clusters, scores, settings),
    outcomes: [],
    failures: [],
  };
}

/**
 * {@link planCycle}, and carries out what it planned. Every step is one outcome, so that after a kill anywhere the
 * next cycle ends in the same place; where there is nothing to do no call changes anything.
 * @throws as {@link planCycle} does, having done nothing; and what `onStep` throws
 */
export async function runCycle(
  state: ObservedState,
  settings: CycleSettings,
  ports: CyclePorts,
): Promise<CycleOutcome> {
  const planned = await planCycle(state, settings, ports);
  const { remote, pulls, onStep } = ports;
  const outcomes = await applyReviews(planned.plan, {
    remote,
    pulls,
    ...(onStep === undefined ? {} : { onStep }),
  });
  const isOver = outcomes.some(({ result }) => result === 'not-tried');
  return { ...planned, outcomes, failures: isOver ? [] : await tell(planned, ports) };
}

function proposeActivity(
  { activity }: ObservedState,
  clusters: readonly ClusterState[],
  { choices, files }: BaseLook,
  { activityReports: settings }: CycleSettings,
): Proposed {
  if (activity === undefined || settings === undefined) return { proposals: [], problems: [] };
  return proposeActivityReports(clusters, activity, { settings, choice: choices.reports, base: files });
}

/** Brings issues and comments up to date. What one call meets does not stop the others, unless it would meet them too. */
async function tell(
  { issues, comments }: CycleOutcome,
  { pulls, onStep }: CyclePorts,
): Promise<readonly ForgeError[]> {
  if (pulls === undefined) return [];
  const failures: ForgeError[] = [];
  const calls = [
    ...comments.map((comment) => ({
      name: `#${comment.number}`,
      call: () => pulls.comment(comment.number, comment),
    })),
    ...issues.map((issue) => ({ name: issue.key, call: () => pulls.keepIssue(issue) })),
  ];
  for (const { name, call } of calls) {
    await onStep?.('comment', name);
    try {
      await call();
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      failures.push(error);
      if (['unreachable', 'rate-limited', 'unauthorized'].includes(error.failure)) return failures;
    }
  }
  return failures;
}

async function planOf(
  proposals: readonly Proposal[],
  { remote, open = [], choices }: BaseLook,
  settings: CycleSettings,
  { pulls }: CyclePorts,
): Promise<CycleOutcome['plan']> {
  const conduct = conductOf(choices, settings);
  const ended = pulls === undefined ? new Map() : await lookAtEnded(proposals, open, pulls);
  return planReviews({
    proposals,
    remote,
    pulls: pulls && { open, ended, limits: pulls.limits },
    settings: conduct,
  });
}

/** Reports go to the base itself where either the team or the configuration says so. */
function conductOf(choices: TeamChoices, { base, directly }: CycleSettings): ConductSettings {
  const isDirect = directly === 'nothing' && choices.reports.destination === 'base';
  return {
    base,
    maxOpen: choices.maxOpenPullRequests,
    stopLabel: choices.stopLabel,
    labels: choices.labels,
    directly: isDirect ? 'reports' : directly,
  };
}

/** Of the clusters whose policies are told. */
function toldScores(
  clusters: readonly ClusterState[],
  scores: Scores,
  { tellsPoliciesOf }: CycleSettings,
): Map<string, readonly SubjectScore[]> {
  const told = clusters.filter(({ cluster }) => tellsPoliciesOf?.has(cluster) === true);
  return new Map(
    told.flatMap((cluster) => {
      const known = scores.of(cluster);
      return known === undefined ? [] : [[cluster.cluster, known]];
    }),
  );
}

function countWithheld({ plans }: Subjects): Map<WithheldReason, number> {
  const counts = new Map<WithheldReason, number>();
  for (const { withheld } of plans) {
    if (withheld !== undefined) counts.set(withheld.reason, (counts.get(withheld.reason) ?? 0) + 1);
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function countUnknown(cluster: string, { plans, approved }: Subjects): number {
  const here = plans.filter((plan) => plan.cluster.cluster === cluster);
  return approved.countOthers(
    cluster,
    here.map(({ state }) => state.subject),
  );
}

/** Of those who have files and were never seen nothing is known: what they hold waits. */
function withUnknown(waiting: ReadonlyMap<HoldReason, number>, unknown: number): Map<HoldReason, number> {
  const all = unknown === 0 ? waiting : new Map([...waiting, ['unknown-subject' as const, unknown]]);
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}
