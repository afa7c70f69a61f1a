import { subjectKey } from '@leastwise/audit-event';
import {
  type ClusterState,
  createInference,
  createPolicyCheck,
  type Mismatch,
  type PolicyOptions,
  type SubjectPolicy,
  type SubjectState,
} from '@leastwise/rbac';

import { CliError, EXIT } from './exit.ts';

/** A policy with the state that it was inferred from. */
export interface InferredPolicy {
  readonly state: SubjectState;
  readonly cluster: ClusterState;
  readonly policy: SubjectPolicy;
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

/** Objects of two subjects under one name: applied together, one would replace the other. */
function sharedNames(inferred: readonly InferredPolicy[]): Mismatch[] {
  const owners = new Map<string, string>();
  const mismatches: Mismatch[] = [];
  for (const { policy } of inferred) {
    for (const { kind, metadata } of policy.objects) {
      const key = JSON.stringify([policy.cluster, kind, metadata.namespace ?? '', metadata.name]);
      const owner = subjectKey(policy.subject);
      const known = owners.get(key) ?? owner;
      owners.set(key, known);
      if (known === owner) continue;
      const detail = `${kind} ${metadata.name} of ${known} and of ${owner}; \${subject} in --generate-name tells them apart`;
      mismatches.push({ kind: 'invalid-object', detail });
    }
  }
  return mismatches;
}

/**
 * Infers and proves the policies of the chosen subjects, in the order of clusters and subjects.
 * @throws CliError with exit code 3 where any policy would break a promise: then none is returned.
 */
export function inferPolicies(
  clusters: readonly ClusterState[],
  options: PolicyOptions,
  isChosen: (state: SubjectState) => boolean,
): InferredPolicy[] {
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
  mismatches.push(...sharedNames(inferred));
  if (mismatches.length > 0) failClosed(mismatches);
  return inferred;
}
