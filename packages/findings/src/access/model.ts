import type { Subject } from '@leastwise/audit-event';
import type {
  BindingSubject,
  ClusterRole,
  ClusterRoleBinding,
  KubernetesVersion,
  PolicyRule,
  Role,
  RoleBinding,
} from '@leastwise/rbac';

import type { AuditInput } from '../input.ts';
import type { FindingSeverity, ObjectReference } from '../types.ts';
import type { Provider, ViolationPolicy, WorkloadResource } from '../violation-policy/policy.ts';
import type { Grant } from './grants.ts';
import type { Scope } from './scope.ts';

/** What decides, beside its rules, what a role grants that is worth telling. */
export interface ProfileSettings {
  readonly version: KubernetesVersion;
  readonly provider: Provider | undefined;
  readonly workloadResources: readonly WorkloadResource[];
}

/** What one role grants of what the checks look for, wherever it may be bound. */
export interface RoleProfile {
  /** By the id of the check. */
  readonly grants: ReadonlyMap<string, readonly Grant[]>;
  /** By the id of the combination, and the name of its part. */
  readonly parts: ReadonlyMap<string, ReadonlyMap<string, readonly Grant[]>>;
}

/** What of an object differs from what Kubernetes makes by itself. */
export type Drift = readonly string[];

/** A role with what it comes to grant. */
export interface RoleEntry {
  readonly object: Role | ClusterRole;
  readonly reference: ObjectReference;
  /** With the rules of aggregated roles. */
  readonly rules: readonly PolicyRule[];
  readonly profile: RoleProfile;
  /** Whether it may have findings of its own. */
  readonly isAudited: boolean;
  /** Whether it is Kubernetes' own work, unchanged. */
  readonly isShipped: boolean;
  /** None unless it is called like one of Kubernetes' own. */
  readonly drift: Drift;
  readonly bindings: readonly BindingEntry[];
}

/** One subject of a binding. */
export interface BoundSubject {
  readonly listed: BindingSubject;
  /** Absent where it stands for nobody. */
  readonly subject?: Subject;
}

/** A binding with what it binds. */
export interface BindingEntry {
  readonly object: RoleBinding | ClusterRoleBinding;
  readonly reference: ObjectReference;
  readonly roleReference: ObjectReference;
  readonly scope: Scope;
  /** Each object that the reference may mean; none where it is missing. */
  readonly roles: readonly RoleEntry[];
  readonly subjects: readonly BoundSubject[];
  readonly isAudited: boolean;
  readonly isShipped: boolean;
  readonly drift: Drift;
}

/** A binding by which a subject holds something. */
export interface Holding {
  readonly binding: BindingEntry;
  readonly role: RoleEntry;
}

/** One subject, over all its bindings. */
export interface Holder {
  readonly subject: Subject;
  readonly holdings: readonly Holding[];
}

/** Who holds what: the roles and bindings of an input, resolved. */
export interface AccessModel {
  readonly input: AuditInput;
  readonly policy: ViolationPolicy;
  readonly settings: ProfileSettings;
  /** In the order of their keys, as all lists here. */
  readonly roles: readonly RoleEntry[];
  readonly bindings: readonly BindingEntry[];
  /** By `subjectKey`. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** The roles that a name stands for; in a namespace, or of the cluster. */
  rolesNamed(kind: 'Role' | 'ClusterRole', name: string, namespace?: string): readonly RoleEntry[];
  /** The worst that is told of a role's grants where they hold so far; `undefined`: nothing is. */
  worstOf(role: RoleEntry, scope: Scope): FindingSeverity | undefined;
  /** Whether a subject is surely not there: what exists is known wholly, and it is not among it. */
  isGone(subject: Subject): boolean;
  /** What a namespace is. */
  scopeIn(namespace: string): Scope;
}
