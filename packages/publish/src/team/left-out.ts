import type { Subject } from '@leastwise/audit-event';
import type { RuleSet, SubjectPolicy, SubjectState } from '@leastwise/rbac';

import type { ScopeChoices } from './choices-for.ts';

/** Why nothing is published for a subject. A closed set, for metrics and reports. */
export type LeftOutReason = 'ignored' | 'system' | 'node' | 'system-masters' | 'bootstrap-defaults';

/** The reasons as sentences for a report. */
export const LEFT_OUT_SENTENCES: Readonly<Record<LeftOutReason, string>> = {
  ignored: 'The team ignores it (ignoredSubjects).',
  system: 'It is part of Kubernetes: a name that begins with system:, or a controller of its own.',
  node: 'It is a node: the Node authorizer decides for it.',
  'system-masters': 'It is a member of system:masters, whom no RBAC limits.',
  'bootstrap-defaults': 'All that it did is granted to it by default.',
};

/** Whether a reason is one of those for which nothing is published at all. */
export function isLeftOutReason(reason: string): reason is LeftOutReason {
  return Object.hasOwn(LEFT_OUT_SENTENCES, reason);
}

/** What is known of a subject besides its policy. */
export interface LeftOutFacts {
  readonly choices: Pick<ScopeChoices, 'isIgnored' | 'isIncluded'>;
  /** Groups that it is known to be in, where somebody knows; those that granted something are in the state. */
  readonly groups?: readonly string[];
  /** Whether the repository holds policies of it: what was approved once is kept current. */
  readonly isApproved: boolean;
}

/**
 * Why the publisher leaves a subject out, or `undefined` where it does not. By default it leaves out `system:…` users
 * and groups, the controllers of Kubernetes, nodes, members of system:masters, and service accounts whose grants all come from bootstrap defaults;
 * `includedSubjects` lifts that. The publisher names everyone that it leaves out in its report.
 * @param policy - of the same subject, inferred with the team's knobs
 */
export function leftOut(
  state: SubjectState,
  policy: Pick<SubjectPolicy, 'objects' | 'exceptions'>,
  { choices, groups = [], isApproved }: LeftOutFacts,
): LeftOutReason | undefined {
  if (choices.isIgnored) return 'ignored';
  if (choices.isIncluded) return undefined;
  const { subject } = state;
  if (isNode(subject)) return 'node';
  const isMaster = groups.includes(MASTERS) || isGrantedByMasters(state.allowed);
  if (isMaster || (subject.kind === 'Group' && subject.name === MASTERS)) return 'system-masters';
  if (subject.kind !== 'ServiceAccount') return subject.name.startsWith('system:') ? 'system' : undefined;
  if (!isApproved && isController(subject)) return 'system';
  return !isApproved && isByDefaultOnly(policy) ? 'bootstrap-defaults' : undefined;
}

/**
 * The accounts of the controller manager, in kube-system: the bootstrap policy binds each to a ClusterRole
 * `system:controller:<name>` of its own, and brings it back where somebody takes it away.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
 */
const CONTROLLERS: ReadonlySet<string> = new Set(
  [
    'attachdetach-controller bootstrap-signer certificate-controller clusterrole-aggregation-controller',
    'cronjob-controller daemon-set-controller deployment-controller device-taint-eviction-controller',
    'disruption-controller endpoint-controller endpointslice-controller endpointslicemirroring-controller',
    'ephemeral-volume-controller expand-controller generic-garbage-collector horizontal-pod-autoscaler job-controller',
    'legacy-service-account-token-cleaner namespace-controller node-controller persistent-volume-binder',
    'pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller',
    'replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher route-controller',
    'selinux-warning-controller service-account-controller service-cidrs-controller service-controller',
    'statefulset-controller storage-version-garbage-collector storage-version-migrator-controller',
    'taint-eviction-controller token-cleaner ttl-after-finished-controller ttl-controller',
    'validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller',
  ].flatMap((names) => names.split(' ')),
);

function isController({ namespace, name }: Subject): boolean {
  return namespace === 'kube-system' && CONTROLLERS.has(name);
}

const MASTERS = 'system:masters';

function isNode({ kind, name }: Subject): boolean {
  return kind === 'Group' ? name === 'system:nodes' : kind === 'User' && name.startsWith('system:node:');
}

/** Whether the API server ever named the group as the one that granted a request. */
function isGrantedByMasters({ rules, overflow }: RuleSet): boolean {
  const evidence = [...rules.values()].flatMap((rule) => [...rule.names.values(), rule.overflow]);
  return [...evidence, overflow].some((each) => each?.grantingGroups.includes(MASTERS) === true);
}

/** Something was observed, and all of it is granted by default: evidence that is too old does not say so. */
function isByDefaultOnly({ objects, exceptions }: Pick<SubjectPolicy, 'objects' | 'exceptions'>): boolean {
  const isByDefault = exceptions.every((exception) => exception.class === 'granted-by-default');
  return objects.length === 0 && exceptions.length > 0 && isByDefault;
}
