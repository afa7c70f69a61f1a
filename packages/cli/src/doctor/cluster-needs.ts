import { REPORTS_PATH, VIOLATIONS_PATH } from '@leastwise/kube';

import type { ConfigView } from './config-view.ts';
import { shellWord } from './shell-word.ts';

/** Verbs on one resource that somebody needs. */
export interface ClusterNeed {
  /** `''` for the core group. */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verbs: readonly string[];
  /** All of them, and what is of the cluster, without one. */
  readonly namespace?: string;
  /** All of them without one. */
  readonly name?: string;
}

/** Something that has to be there before it can be used. */
export interface ClusterPart {
  readonly what: string;
  readonly path: string;
  /** What makes it. */
  readonly remedy: string;
}

/** What a cluster is used for, and what that takes. */
export interface ClusterUse {
  readonly who: string;
  readonly needs: readonly ClusterNeed[];
  readonly parts: readonly ClusterPart[];
  /** What grants all of the needs. */
  readonly remedy: string;
}

const RBAC = 'rbac.authorization.k8s.io';
const OURS = 'leastwise.dev';
const RBAC_RESOURCES = ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings'];
/** Where ours are kept where a configuration names no namespace. */
const DEFAULT_NAMESPACE = 'leastwise-system';

function each(group: string, resources: readonly string[], verbs: readonly string[]): readonly ClusterNeed[] {
  return resources.map((resource) => ({ group, resource, verbs }));
}

function namespacePart(name: string): ClusterPart {
  return {
    what: `namespace ${name}`,
    path: `/api/v1/namespaces/${encodeURIComponent(name)}`,
    remedy: `kubectl create namespace ${shellWord(name)}`,
  };
}

/** What an auditor does in each of its clusters: `deploy/auditor/rbac.yaml`, and `remediation.yaml` where it deletes. */
export function auditorUse(view: ConfigView): ClusterUse {
  const setting = (key: string, otherwise: string): string => view.text(key) ?? otherwise;
  const namespace = setting('lease.namespace', DEFAULT_NAMESPACE);
  const hasLease = !view.isOff('lease.enabled');
  const deletes = view.isOn('remediation.enabled') && view.isOff('remediation.dryRun');
  const deleted = view.isOn('remediation.clusterRoleBindings')
    ? ['rolebindings', 'clusterrolebindings']
    : ['rolebindings'];
  return {
    who: 'the auditor',
    needs: [
      ...each(RBAC, RBAC_RESOURCES, ['get', 'list', 'watch']),
      ...each('', ['namespaces', 'serviceaccounts'], ['list', 'watch']),
      { group: OURS, resource: 'rbacviolations', verbs: ['list', 'watch', 'create', 'patch', 'delete'] },
      { group: OURS, resource: 'rbacviolations', subresource: 'status', verbs: ['patch'] },
      { group: 'events.k8s.io', resource: 'events', verbs: ['create', 'patch'] },
      {
        ...{ group: '', resource: 'configmaps', verbs: ['get', 'list', 'watch'] },
        namespace: setting('policy.namespace', DEFAULT_NAMESPACE),
        name: setting('policy.name', 'leastwise-violation-policy'),
      },
      ...(hasLease
        ? [
            {
              ...{ group: 'coordination.k8s.io', resource: 'leases', verbs: ['get', 'create', 'patch'] },
              ...{ namespace, name: setting('lease.name', 'leastwise-auditor') },
            },
          ]
        : []),
      ...(deletes ? each(RBAC, deleted, ['delete']) : []),
    ],
    parts: [
      {
        what: 'RBACViolations',
        path: VIOLATIONS_PATH,
        remedy: 'kubectl apply --server-side -f deploy/crds/rbacviolations.yaml',
      },
      ...(hasLease ? [namespacePart(namespace)] : []),
    ],
    remedy: `kubectl apply -f deploy/auditor/rbac.yaml${deletes ? ' -f deploy/auditor/remediation.yaml' : ''}`,
  };
}

/** What a publisher does in each cluster that it keeps SubjectPolicyReports in. */
export function publisherUse(view: ConfigView): ClusterUse {
  return {
    who: 'the publisher',
    needs: [
      { group: OURS, resource: 'subjectpolicyreports', verbs: ['list', 'create', 'patch', 'delete'] },
      { group: OURS, resource: 'subjectpolicyreports', subresource: 'status', verbs: ['patch'] },
    ],
    parts: [
      {
        what: 'SubjectPolicyReports',
        path: REPORTS_PATH,
        remedy: 'kubectl apply --server-side -f deploy/crds/subjectpolicyreports.yaml',
      },
      namespacePart(view.text('policyReports.namespace') ?? DEFAULT_NAMESPACE),
    ],
    remedy: 'Apply the ClusterRole of docs/publisher.md, "Policy reports in the clusters", and bind it.',
  };
}

/** What `scan`, `score` and `explain` read with `--live`. */
export const LIVE_USE: ClusterUse = {
  who: 'what reads a cluster with --live',
  needs: [...each(RBAC, RBAC_RESOURCES, ['list']), ...each('', ['namespaces', 'serviceaccounts'], ['list'])],
  parts: [],
  remedy: `kubectl create clusterrole leastwise-live --verb=list --resource=${[
    ...RBAC_RESOURCES.map((resource) => `${resource}.${RBAC}`),
    ...['namespaces', 'serviceaccounts'],
  ].join(',')}, and bind it.`,
};
