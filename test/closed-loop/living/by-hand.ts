import type { KubeObject } from './api.ts';

const API_VERSION = 'rbac.authorization.k8s.io/v1';
const RBAC_GROUP = 'rbac.authorization.k8s.io';
const NODE_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';

/** What a controller needs and no audit log shows: the API server asks for it against the body of a request. */
export interface HandGrant {
  readonly account: string;
  readonly rule: Readonly<Record<string, readonly string[]>>;
  /** How the policy's notes name it, so that a reviewer knows. */
  readonly note: RegExp;
}

function onSigner(verb: string, subresource: string): HandGrant {
  return {
    account: 'certificate-controller',
    rule: {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: [NODE_SIGNER],
      verbs: [verb],
    },
    note: new RegExp(`certificatesigningrequests.*${subresource}.*: ${verb} on the signer`),
  };
}

/** All of them: who follows the notes of the policies gets here. */
export const BY_HAND: readonly HandGrant[] = [
  {
    account: 'clusterrole-aggregation-controller',
    rule: { apiGroups: [RBAC_GROUP], resources: ['clusterroles'], verbs: ['escalate'] },
    note: /clusterroles.*: escalate on the role/,
  },
  onSigner('approve', 'approval'),
  onSigner('sign', 'status'),
];

/** A grant by hand as a reviewer would write it. */
export function handWritten({ account, rule }: HandGrant): readonly [KubeObject, KubeObject] {
  const metadata = { name: `by-hand-${account}-${String(rule['verbs'])}` };
  const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: metadata.name };
  const subjects = [{ kind: 'ServiceAccount', namespace: 'kube-system', name: account }];
  return [
    { apiVersion: API_VERSION, kind: 'ClusterRole', metadata, rules: [rule] },
    { apiVersion: API_VERSION, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}
