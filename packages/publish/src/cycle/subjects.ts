import type { Subject } from '@leastwise/audit-event';
import { subjectKey } from '@leastwise/audit-event';
import type { ClusterState, Mismatch, PolicyOptions } from '@leastwise/rbac';
import { clusterFolder, isGenerated, subjectName } from '@leastwise/render';

import { planChanges } from '../plan-changes.ts';
import { type InferredPolicy, PromiseBrokenError, refuseCollisions, subjectsInOrder } from '../policies.ts';
import { LEFT_OUT_SENTENCES, leftOut, policyPath, type ScopeChoices } from '../team/index.ts';
import { escapeHidden } from '../team/problem.ts';
import type { Files } from '../types.ts';
import { ApprovedFiles, placeOf, type SubjectFiles } from './approved-files.ts';
import { TeamInference } from './infer-subject.ts';
import type { BaseLook } from './look-at-base.ts';
import { withProgress } from './progress.ts';
import type { CyclePorts, CycleSettings, WithheldReason } from './types.ts';

/** One subject of one cluster: what is wanted for it, and what was approved. */
export interface SubjectPlan extends InferredPolicy {
  readonly choices: ScopeChoices;
  readonly options: PolicyOptions;
  readonly approved: SubjectFiles;
  /** Why nothing is proposed for it; its additions only where that is `held`. */
  readonly withheld?: { readonly reason: WithheldReason; readonly remark: string };
}

/** All subjects of the known clusters, in the order of clusters and subject keys. */
export interface Subjects {
  readonly plans: readonly SubjectPlan[];
  readonly approved: ApprovedFiles;
  /** For people, escaped. */
  readonly problems: readonly string[];
}

const REMARKS = {
  unreadable: 'One of its files cannot be read, or holds what is not ours to write.',
  'foreign-file': 'A file that is not written by leastwise stands in the place of one of its own.',
  held: 'It has open detections: nothing is granted to it until they are settled.',
} as const;

/**
 * Infers and proves what is wanted for every subject, and finds out for whom nothing can be proposed.
 * @throws PromiseBrokenError where the policy of a subject that is not left out breaks a promise
 */
export async function planSubjects(
  clusters: readonly ClusterState[],
  look: BaseLook,
  settings: CycleSettings,
  { onProgress }: CyclePorts,
): Promise<Subjects> {
  const team = new TeamInference(look.choices, settings.options);
  const approved = new ApprovedFiles(look.files);
  const plans: SubjectPlan[] = [];
  const mismatches: Mismatch[] = [];
  const all = clusters.flatMap((cluster) => subjectsInOrder(cluster).map((state) => ({ cluster, state })));
  for await (const { cluster, state } of withProgress('infer', all, onProgress)) {
    const { mismatches: broken, ...inferred } = team.infer(state, cluster);
    const files = approved.of(cluster.cluster, state.subject);
    const isApproved = files.files.length > 0;
    const reason = leftOut(state, inferred.policy, { choices: inferred.choices, isApproved });
    if (reason === undefined) mismatches.push(...broken);
    const withheld = reason && { withheld: { reason, remark: LEFT_OUT_SENTENCES[reason] } };
    plans.push({ state, cluster, ...inferred, approved: files, ...withheld });
  }
  if (mismatches.length > 0) throw new PromiseBrokenError(mismatches);
  const judged = withHeld(withObstacles(withCollisions(plans), look.files), settings);
  return { plans: judged.plans, approved, problems: judged.problems };
}

function withCollisions(plans: readonly SubjectPlan[]): SubjectPlan[] {
  const { refused } = refuseCollisions(plans.filter(({ withheld }) => withheld === undefined));
  const reasons = new Map(
    refused.map(({ state, cluster, reason }) => [keyOf(cluster, state.subject), reason]),
  );
  return plans.map((plan) => {
    const remark = reasons.get(keyOf(plan.cluster, plan.state.subject));
    return remark === undefined || plan.withheld
      ? plan
      : { ...plan, withheld: { reason: 'refused', remark } };
  });
}

interface Judged {
  readonly plans: readonly SubjectPlan[];
  readonly problems: readonly string[];
}

/** Holds back those whose files cannot be read or written. */
function withObstacles(plans: readonly SubjectPlan[], base: Files): Judged {
  const obstructed = obstructedPaths(plans, base);
  const problems: string[] = [];
  const judged = plans.map((plan): SubjectPlan => {
    const { withheld, approved, policy } = plan;
    if (withheld?.reason === 'refused')
      problems.push(`${nameOf(plan)}: refused: ${escapeHidden(withheld.remark)}`);
    if (withheld !== undefined) return plan;
    if (approved.problem !== undefined) {
      const { reason, text } = approved.problem;
      problems.push(text);
      return { ...plan, withheld: { reason, remark: REMARKS[reason] } };
    }
    const path = wantedPaths(plan).find((each) => obstructed.has(each));
    if (path === undefined) return plan;
    problems.push(
      `${nameOf(plan)}: a file that is not written by leastwise is in the way of ${escapeHidden(path)}`,
    );
    return { ...plan, policy, withheld: { reason: 'foreign-file', remark: REMARKS['foreign-file'] } };
  });
  return { plans: judged, problems };
}

function withHeld({ plans, problems }: Judged, { held }: CycleSettings): Judged {
  const isHeld = ({ cluster, state }: SubjectPlan): boolean =>
    held?.get(cluster.cluster)?.has(subjectKey(state.subject)) === true;
  const judged = plans.map((plan): SubjectPlan =>
    plan.withheld === undefined && isHeld(plan)
      ? { ...plan, withheld: { reason: 'held', remark: REMARKS.held } }
      : plan,
  );
  return { plans: judged, problems };
}

function wantedPaths({ cluster, policy }: SubjectPlan): string[] {
  const namespaces = new Set(policy.objects.map(placeOf));
  return [...namespaces].map((namespace) =>
    policyPath({ cluster: cluster.cluster, subject: policy.subject, namespace }),
  );
}

/** Content that no file has. */
const UNHEARD_OF = '\0';

/** The paths of wanted files that a file of somebody else makes impossible to write. */
function obstructedPaths(plans: readonly SubjectPlan[], base: Files): ReadonlySet<string> {
  const isOurs = (path: string, content: string): boolean => isGenerated(path, content);
  const others = new Map([...base].filter(([path, content]) => !isOurs(path, content)));
  if (others.size === 0) return new Set();
  const wanted = plans.filter(({ withheld }) => withheld === undefined).flatMap(wantedPaths);
  const { changes } = planChanges(new Map(wanted.map((path) => [path, UNHEARD_OF])), others, () => false);
  const writable = new Set(changes.map(({ path }) => path));
  return new Set(wanted.filter((path) => !writable.has(path)));
}

function keyOf(cluster: ClusterState, subject: Subject): string {
  return JSON.stringify([cluster.cluster, subjectKey(subject)]);
}

/** A subject and its cluster for a line of a log. */
export function nameOf({ cluster, state }: Pick<SubjectPlan, 'cluster' | 'state'>): string {
  return escapeHidden(`${subjectName(state.subject)} in cluster ${clusterFolder(cluster.cluster)}`);
}
