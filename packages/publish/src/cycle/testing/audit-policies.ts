import { PolicyObservability, readAuditPolicies } from '@leastwise/audit-policy';

/** The audit policy of cluster prod: rules in YAML's flow style, each on a line of its own from line 4 on. */
export function auditPolicies(...rules: readonly string[]): ReadonlyMap<string, PolicyObservability> {
  const head = ['apiVersion: audit.k8s.io/v1', 'kind: Policy', 'rules:'];
  const text = [...head, ...rules.map((rule) => `- ${rule}`)].join('\n');
  const { policies, problems } = readAuditPolicies(text, 'policy.yaml');
  const [policy] = policies;
  if (policy === undefined || problems.length > 0) throw new Error(JSON.stringify(problems));
  return new Map([['prod', new PolicyObservability(policy)]]);
}
