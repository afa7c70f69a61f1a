import {
  type ClusterState,
  createInference,
  createPolicyCheck,
  type Mismatch,
  type PolicyOptions,
  type SubjectPolicy,
  type SubjectState,
} from '@leastwise/rbac';
import { clusterFolder, subjectFolder, subjectName } from '@leastwise/render';

/** A policy with the state that it was inferred from. */
export interface InferredPolicy {
  readonly state: SubjectState;
  readonly cluster: ClusterState;
  readonly policy: SubjectPolicy;
}

/** A policy that is not rendered, because another subject's would stand in the same place. */
export interface RefusedPolicy extends InferredPolicy {
  /** For people. */
  readonly reason: string;
}

/** What subjects get, and which get nothing because two would stand in one place. */
export interface InferredPolicies {
  readonly policies: readonly InferredPolicy[];
  readonly refused: readonly RefusedPolicy[];
}

const MAX_SHOWN = 20;

/** A rendered policy, or a proposed change, would break a promise: nothing was done. The message names the first 20 places. */
export class PromiseBrokenError extends Error {
  override readonly name = 'PromiseBrokenError';
  readonly code = 'LW_PROMISE';
  readonly mismatches: readonly Mismatch[];
  constructor(mismatches: readonly Mismatch[]) {
    const shown = mismatches.slice(0, MAX_SHOWN).map(({ kind, detail }) => `  ${kind}: ${detail}`);
    const rest = mismatches.length - shown.length;
    const more = rest > 0 ? [`  and ${rest} more`] : [];
    super(['a rendered policy would break its promise; nothing was written:', ...shown, ...more].join('\n'));
    this.mismatches = mismatches;
  }
}

/** Where a policy would stand, in the cluster and in a repository, for people; equal for what excludes each other. */
function placesOf({ cluster, policy }: InferredPolicy): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  if (policy.objects.length === 0) return places;
  const folder = subjectFolder(policy.subject);
  places.set(JSON.stringify([clusterFolder(cluster.cluster), folder]), `folder ${folder}`);
  for (const { kind, metadata } of policy.objects) {
    const key = JSON.stringify([cluster.cluster, kind, metadata.namespace ?? '', metadata.name]);
    places.set(key, `${kind} ${metadata.name}`);
  }
  return places;
}

/**
 * Policies that would replace each other when they are applied or written, and why: all of them, for which of them
 * is meant nobody can tell. One subject's name must not keep the others from their policies, so the rest goes on.
 */
function refusalsOf(inferred: readonly InferredPolicy[]): Map<InferredPolicy, string> {
  const claims = new Map<string, { readonly what: string; readonly owners: InferredPolicy[] }>();
  for (const each of inferred) {
    for (const [key, what] of placesOf(each)) {
      const claim = claims.get(key) ?? { what, owners: [] };
      claims.set(key, claim);
      claim.owners.push(each);
    }
  }
  const refusals = new Map<InferredPolicy, string>();
  for (const { what, owners } of claims.values()) {
    const [first, second] = owners;
    if (first === undefined || second === undefined) continue;
    for (const owner of owners) {
      if (refusals.has(owner)) continue;
      const other = subjectName((owner === first ? second : first).policy.subject);
      refusals.set(owner, `its ${what} would be that of ${other}, too`);
    }
  }
  return refusals;
}

/** Tells those policies apart that would stand in one place with another one's. The order stays as it is. */
export function refuseCollisions(inferred: readonly InferredPolicy[]): InferredPolicies {
  const refusals = refusalsOf(inferred);
  return {
    policies: inferred.filter((each) => !refusals.has(each)),
    refused: [...refusals].map(([each, reason]) => ({ ...each, reason })),
  };
}

/** The states of a cluster's subjects, in the order of their keys. */
export function subjectsInOrder(cluster: ClusterState): SubjectState[] {
  return [...cluster.subjects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}

/**
 * Infers and proves the policies of the chosen subjects, in the order of clusters and subjects.
 * @throws PromiseBrokenError where any policy would break a promise: then none is returned.
 */
export function inferPolicies(
  clusters: readonly ClusterState[],
  options: PolicyOptions,
  isChosen: (state: SubjectState) => boolean,
): InferredPolicies {
  const infer = createInference(options);
  const check = createPolicyCheck(options);
  const inferred: InferredPolicy[] = [];
  const mismatches: Mismatch[] = [];
  for (const cluster of clusters) {
    for (const state of subjectsInOrder(cluster).filter(isChosen)) {
      const policy = infer(state, cluster);
      mismatches.push(...check(state, policy));
      inferred.push({ state, cluster, policy });
    }
  }
  if (mismatches.length > 0) throw new PromiseBrokenError(mismatches);
  return refuseCollisions(inferred);
}
