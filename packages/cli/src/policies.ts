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

import { CliError, EXIT } from './exit.ts';

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

const MAX_SHOWN = 20;

function failClosed(mismatches: readonly Mismatch[]): never {
  const shown = mismatches.slice(0, MAX_SHOWN).map(({ kind, detail }) => `  ${kind}: ${detail}`);
  const rest = mismatches.length - shown.length;
  const more = rest > 0 ? [`  and ${String(rest)} more`] : [];
  throw new CliError(
    ['a rendered policy would break its promise; nothing was written:', ...shown, ...more].join('\n'),
    EXIT.promise,
  );
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

/** What subjects get, and which get nothing because two would stand in one place. */
export interface InferredPolicies {
  readonly policies: readonly InferredPolicy[];
  readonly refused: readonly RefusedPolicy[];
}

/**
 * Infers and proves the policies of the chosen subjects, in the order of clusters and subjects.
 * @throws CliError with exit code 3 where any policy would break a promise: then none is returned.
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
    const states = [...cluster.subjects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
    for (const state of states.filter(isChosen)) {
      const policy = infer(state, cluster);
      mismatches.push(...check(state, policy));
      inferred.push({ state, cluster, policy });
    }
  }
  if (mismatches.length > 0) failClosed(mismatches);
  const refusals = refusalsOf(inferred);
  return {
    policies: inferred.filter((each) => !refusals.has(each)),
    refused: [...refusals].map(([each, reason]) => ({ ...each, reason })),
  };
}

/** Says who was left out and why; `undefined` where nobody was. */
export function refusalText({ refused }: InferredPolicies): string | undefined {
  if (refused.length === 0) return undefined;
  const shown = refused.slice(0, MAX_SHOWN).map((each) => `  ${refusalLine(each)}`);
  const rest = refused.length - shown.length;
  return [
    "policies were refused, because two subjects' would stand in one place; what was written of them before stays:",
    ...shown,
    ...(rest > 0 ? [`  and ${String(rest)} more`] : []),
    '  (in --generate-name, ${subject} tells subjects apart)',
  ].join('\n');
}

/** One subject that was left out, and why. */
export function refusalLine({ policy, cluster, reason }: RefusedPolicy): string {
  return `${subjectName(policy.subject)} in cluster ${cluster.cluster}: ${reason}`;
}
