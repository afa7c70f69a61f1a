import type { RbacObject } from '@leastwise/rbac';

import type { RbacFinding } from '../types.ts';

/** The label by which an object asks for it; the value is `true`. */
export const REMEDIATE_LABEL = 'auto-remediate';

/** What an operator lets happen. */
export interface RemediationSettings {
  readonly enabled: boolean;
  /** ClusterRoleBindings too. */
  readonly clusterRoleBindings: boolean;
  /** The rules that the violation policy names; none of them while that policy cannot be read. */
  readonly rules: readonly string[];
  /** Deletions of the last hour, and how many there may be. */
  readonly deletedLastHour: number;
  readonly maxPerHour: number;
  /** Who the auditor is: what binds it is not touched. */
  readonly self: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[];
}

/** What is asked about. */
export interface RemediationCase {
  readonly object: RbacObject;
  readonly hasOwnerReferences: boolean;
  /** Of this object alone. */
  readonly findings: readonly RbacFinding[];
  /** In how many complete audits one after the other the object had one of these findings, as it is now. */
  readonly audits: number;
}

/** `none`: nobody asked for it; `refuse`: somebody did, and why it does not happen. */
export type RemediationVerdict =
  | { readonly action: 'delete'; readonly rules: readonly string[] }
  | { readonly action: 'refuse'; readonly reason: RefusalReason }
  | { readonly action: 'none' };

/** Why an object that asked for it is not deleted; a closed set. */
export const REFUSAL_REASONS = [
  'cluster role bindings are not allowed',
  'the object belongs to the system',
  'another tool would make it again',
  'it binds the auditor',
  'not seen in two audits yet',
  'enough was deleted in this hour',
] as const;

/** One of {@link REFUSAL_REASONS}. */
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const AUDITS = 2;
const SYSTEM_NAMESPACES = /^kube-/;
/** By prefix, the labels and annotations of tools that keep objects as they want them. */
const KEEPERS = [
  'meta.helm.sh/',
  'helm.sh/',
  'argocd.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'olm.',
  'operators.coreos.com/',
  'fleet.cattle.io/',
  'objectset.rio.cattle.io/',
];
const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
const BOOTSTRAP_LABEL = 'kubernetes.io/bootstrapping';

function isSystem({ metadata, kind }: RbacObject): boolean {
  const { name, namespace = '', labels = {} } = metadata;
  if (name.startsWith('system:') || Object.hasOwn(labels, BOOTSTRAP_LABEL)) return true;
  // What kubeadm binds has no label, and is called so.
  if (name.startsWith('kubeadm:') || (kind === 'ClusterRoleBinding' && name === 'cluster-admin')) return true;
  return SYSTEM_NAMESPACES.test(namespace);
}

function isKept({ object, hasOwnerReferences }: RemediationCase): boolean {
  const { labels = {}, annotations = {} } = object.metadata;
  if (hasOwnerReferences || Object.hasOwn(labels, MANAGED_BY_LABEL)) return true;
  return [...Object.keys(labels), ...Object.keys(annotations)].some((key) =>
    KEEPERS.some((prefix) => key.startsWith(prefix)),
  );
}

function bindsSelf(object: RbacObject, self: RemediationSettings['self']): boolean {
  if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') return false;
  const { namespace: own = '' } = object.metadata;
  return object.subjects.some((subject) =>
    self.some(({ kind, namespace, name }) => {
      const asUser = kind === 'ServiceAccount' ? `system:serviceaccount:${namespace ?? ''}:${name}` : name;
      if (subject.kind === 'User') return subject.name === asUser;
      if (subject.kind === 'Group') return kind === 'Group' && subject.name === name;
      return kind === 'ServiceAccount' && subject.name === name && (subject.namespace ?? own) === namespace;
    }),
  );
}

function refusalOf(each: RemediationCase, settings: RemediationSettings): RefusalReason | undefined {
  const { object, audits } = each;
  if (object.kind === 'ClusterRoleBinding' && !settings.clusterRoleBindings) {
    return 'cluster role bindings are not allowed';
  }
  if (isSystem(object)) return 'the object belongs to the system';
  if (isKept(each)) return 'another tool would make it again';
  if (bindsSelf(object, settings.self)) return 'it binds the auditor';
  if (audits < AUDITS) return 'not seen in two audits yet';
  if (settings.deletedLastHour >= settings.maxPerHour) return 'enough was deleted in this hour';
  return undefined;
}

/**
 * Whether a binding is to be deleted because of what was found. All has to hold: the operator wants it, the object
 * itself carries the label, the policy names one of the rules, nobody took responsibility for it, it is neither
 * the system's nor another tool's nor what binds the auditor, it was found in two complete audits, and not enough
 * has been deleted in this hour. Whoever may set the label can have the binding deleted.
 */
export function decideRemediation(each: RemediationCase, settings: RemediationSettings): RemediationVerdict {
  const { object, findings } = each;
  if (!settings.enabled) return { action: 'none' };
  if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') return { action: 'none' };
  const labels = object.metadata.labels ?? {};
  if (!Object.hasOwn(labels, REMEDIATE_LABEL) || labels[REMEDIATE_LABEL] !== 'true')
    return { action: 'none' };
  const rules = remediableRules(findings, settings.rules);
  if (rules.length === 0) return { action: 'none' };
  const reason = refusalOf(each, settings);
  return reason === undefined ? { action: 'delete', rules } : { action: 'refuse', reason };
}

/** Of the rules that are named, those that something open was found by, sorted. */
export function remediableRules(
  findings: readonly RbacFinding[],
  rules: readonly string[],
): readonly string[] {
  const open = findings.filter(({ suppressed, check }) => suppressed === undefined && rules.includes(check));
  return [...new Set(open.map(({ check }) => check))].sort();
}
