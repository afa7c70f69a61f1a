import type { CountedRequest, Permission } from '@leastwise/audit-event';

import { bootstrapDefaults } from '../bootstrap/index.ts';
import { emptyEvidence, noteTime } from '../evidence.ts';
import type { Grant } from '../grant.ts';
import { createInference } from '../infer.ts';
import { DEFAULT_OPTIONS, type PolicyOptions } from '../options.ts';
import type { SubjectPolicy } from '../policy.ts';
import type { PolicyRule } from '../types.ts';
import { checkPolicy } from '../verify.ts';
import { permission, request, stateOf, T0 } from './requests.ts';

/** A rule on one line: `get,list apps:deployments [web]`, `get /metrics`. */
export function spell(rule: PolicyRule): string {
  const verbs = rule.verbs.join(',');
  if (rule.nonResourceURLs) return `${verbs} ${rule.nonResourceURLs.join(',')}`;
  const group = rule.apiGroups?.join(',') ?? '';
  const names = rule.resourceNames ? ` [${rule.resourceNames.join(',')}]` : '';
  return `${verbs} ${group === '' ? '' : `${group}:`}${rule.resources?.join(',') ?? ''}${names}`;
}

/** The policy of the first subject of some requests, under the defaults of Kubernetes 1.34 unless told otherwise. Its promise is checked. */
export function policyOf(
  requests: readonly CountedRequest[],
  knobs: Partial<PolicyOptions> = {},
): SubjectPolicy | undefined {
  const existing = bootstrapDefaults({ major: 1, minor: 34 });
  const options = { ...DEFAULT_OPTIONS, kubernetesVersion: { major: 1, minor: 34 }, existing, ...knobs };
  const cluster = stateOf(requests);
  const [state] = cluster.subjects.values();
  if (!state) return undefined;
  const policy = createInference(options)(state, cluster);
  const mismatches = checkPolicy(state, policy, options);
  if (mismatches.length > 0) throw new Error(JSON.stringify(mismatches));
  return policy;
}

/** Rules by namespace of the role (`''` for a ClusterRole). */
export function rulesOf(policy: SubjectPolicy | undefined): Record<string, string[]> {
  const rules: Record<string, string[]> = {};
  for (const object of policy?.objects ?? []) {
    if ('rules' in object) (rules[object.metadata.namespace ?? ''] ??= []).push(...object.rules.map(spell));
  }
  return rules;
}

/** One allowed request of alice for each cell. */
export function requests(cells: readonly string[]): CountedRequest[] {
  return cells.map((cell) => request({ permissions: [permission(cell)] }));
}

/** The grant of a spelled cell. */
export function grantOf(cell: string, count = 1): Grant {
  const evidence = { ...emptyEvidence(), count };
  noteTime(evidence, T0, 'a');
  return { ...permission(cell), evidence };
}

/** A cell as it is spelled, without what is empty at its end. */
export function spellCell({ verb, apiGroup, resource, namespace, name, path }: Permission): string {
  if (resource === '') return `${verb} ${path}`;
  const what = apiGroup === '' ? resource : `${apiGroup}:${resource}`;
  const place = name === '' && namespace === '' ? '' : ` ${namespace === '' ? '-' : namespace}`;
  return `${verb} ${what}${place}${name === '' ? '' : ` ${name}`}`;
}
