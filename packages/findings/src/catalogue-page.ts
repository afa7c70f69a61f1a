import { catalogue } from './audit.ts';
import type { CheckInfo } from './types.ts';

const PEERS = [
  'RP rbac-police',
  'KS KubiScan',
  'TR Trivy (KSV-)',
  'KU Kubescape (C-)',
  'KR krane',
  'RT rbac-tool',
  'KY Kyverno',
  'GK gatekeeper-library',
  "GP Kubernetes' RBAC good practices",
];

/** `CRITICAL`, or what it is where: `CRITICAL in the whole cluster, HIGH in privileged namespaces, MEDIUM elsewhere`. */
function severityText({ severity, severities }: CheckInfo): string {
  if (severities === undefined) return severity;
  const { cluster, privileged, namespace } = severities;
  if (cluster === privileged && privileged === namespace) return cluster;
  if (cluster === privileged) {
    return `${cluster} in the whole cluster and in privileged namespaces, ${namespace} in others`;
  }
  return `${cluster} in the whole cluster, ${privileged} in privileged namespaces, ${namespace} in others`;
}

function section(info: CheckInfo): string {
  const { id, title, why, remedy, peers } = info;
  const others = peers.length === 0 ? 'none' : peers.join('; ');
  return `### ${id}: ${title}

${why}

- Severity: ${severityText(info)}.
- Remedy: ${remedy}
- Other tools: ${others}.
`;
}

/** The catalogue of checks as a page for people: Markdown, as it stands in docs/checks.md. */
export function renderCataloguePage(): string {
  return `# RBAC checks

What \`leastwise scan\` and the auditor look for in roles and bindings. This page is made from the checks themselves.

A check looks at **grants**: what the API server's authorizer would allow a subject over all its bindings, with
wildcards, aggregated ClusterRoles, and \`kind: User, name: system:serviceaccount:NAMESPACE:NAME\` taken for what they
mean there. A few checks look at how rules and bindings are written, and say so. Roles and bindings that Kubernetes
makes by itself have no findings as long as nobody changed them.

The severity of many checks depends on how far a grant reaches: the **whole cluster**, by a ClusterRoleBinding; a
**privileged namespace**, kube-system unless the policy names others; or any **other namespace**. The severity that is
given is the usual one, and names in resourceNames, where they bound the harm, make it less. A role that nobody is bound to
is judged one severity lower, as if somebody were. Who may do everything in the whole cluster, or in a namespace, is told so once (R001,
R002), and not once more for each thing that is part of it.

Other tools that look at the same: ${PEERS.join(', ')}.

## Catalogue

${catalogue().map(section).join('\n')}`;
}
