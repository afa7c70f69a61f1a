import type { Permission, Subject } from '@leastwise/audit-event';

/** A rule of a Role or ClusterRole, as `rbac.authorization.k8s.io/v1` has it. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/** Metadata as far as RBAC objects need it here. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A label selector of an aggregated ClusterRole. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** A subject as a binding lists it. */
export interface BindingSubject {
  readonly apiGroup?: string;
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  readonly namespace?: string;
}

/** The role that a binding grants. */
export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: 'Role' | 'ClusterRole';
  readonly name: string;
}

interface RbacObjectBase {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly metadata: ObjectMeta;
}
/** `rbac.authorization.k8s.io/v1` Role. */
export interface Role extends RbacObjectBase {
  readonly kind: 'Role';
  readonly rules: readonly PolicyRule[];
}
/** `rbac.authorization.k8s.io/v1` ClusterRole. */
export interface ClusterRole extends RbacObjectBase {
  readonly kind: 'ClusterRole';
  readonly rules: readonly PolicyRule[];
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
}
/** `rbac.authorization.k8s.io/v1` RoleBinding. */
export interface RoleBinding extends RbacObjectBase {
  readonly kind: 'RoleBinding';
  readonly roleRef: RoleRef;
  readonly subjects: readonly BindingSubject[];
}
/** `rbac.authorization.k8s.io/v1` ClusterRoleBinding. */
export interface ClusterRoleBinding extends RbacObjectBase {
  readonly kind: 'ClusterRoleBinding';
  readonly roleRef: RoleRef;
  readonly subjects: readonly BindingSubject[];
}
/** Any object of RBAC. */
export type RbacObject = Role | ClusterRole | RoleBinding | ClusterRoleBinding;

/** What an authorizer is asked: who, with which groups, wants which permission. */
export interface AccessRequest {
  readonly subject: Subject;
  /** As authenticated, so with `system:authenticated` and the groups of service accounts. */
  readonly groups: readonly string[];
  readonly permission: Permission;
}

/** A binding that the API server named as the one that allowed a request. */
export interface NamedBinding {
  /** As `bindingKey` has it. */
  readonly key: string;
  /** The latest day, counted from the epoch in UTC, on which it was named. */
  readonly lastDay: number;
}

/** Everything that is remembered of the requests that needed one permission. Merges by add, min, max, union and OR only. */
export interface Evidence {
  count: number;
  /** Microseconds since the epoch. */
  firstSeenUs: number;
  lastSeenUs: number;
  /** A sample auditID at each end; ties go to the smaller one. */
  firstAuditID: string;
  lastAuditID: string;
  /** Days since the epoch (UTC) on which it was seen, ascending, each once. */
  days: readonly number[];
  /** Groups that the API server named as granted, sorted; of more than the cap the ones with the smallest hashes. */
  grantingGroups: readonly string[];
  /**
   * Bindings that the API server named for this very permission, sorted by key; of more than the cap the ones with the
   * smallest hashes. The authorizer stops at the first that allows, so that another may allow it and never be named.
   */
  grantingBindings: readonly NamedBinding[];
  /** Bit set over client kinds, in the order of `CLIENT_KINDS`. */
  clients: number;
  /** True once any request was allowed by RBAC, or by a server that does not say. */
  viaRbac: boolean;
}

/** What one subject did with one (verb, group, resource, namespace), by name. */
export interface RuleState {
  readonly verb: string;
  readonly apiGroup: string;
  /** `''` for non-resource requests, whose paths are then the keys of `names`. */
  readonly resource: string;
  readonly namespace: string;
  /** Evidence by resourceName (`''` where the authorizer saw none) or URL path. Capped to the smallest hashes. */
  readonly names: Map<string, Evidence>;
  /** The sum of what the cap left out; present means: widen to unnamed, for ever. */
  overflow: Evidence | undefined;
}

/** The rules of one subject and outcome, capped to the smallest hashes. */
export interface RuleSet {
  /** By `ruleKey`. */
  readonly rules: Map<string, RuleState>;
  /** The sum of what the cap left out; present means: the policy is incomplete. */
  overflow: Evidence | undefined;
}

/** Everything remembered of one subject. */
export interface SubjectState {
  readonly subject: Subject;
  readonly allowed: RuleSet;
  readonly denied: RuleSet;
}

/** The latest signs of a namespace's life and death, in microseconds since the epoch; 0 where there was none. */
export interface NamespaceState {
  lastSeenUs: number;
  lastLiveUs: number;
  lastDeletedUs: number;
}

/** Everything remembered of one cluster. */
export interface ClusterState {
  readonly cluster: string;
  /** By subject key. Capped to the smallest hashes. */
  readonly subjects: Map<string, SubjectState>;
  subjectsOverflow: Evidence | undefined;
  readonly namespaces: Map<string, NamespaceState>;
  /** Whether namespaces were left out by the cap: those left out count as alive. */
  namespacesOverflow: boolean;
  /** Of all counted requests; 0 and 0 where there was none. */
  firstSeenUs: number;
  lastSeenUs: number;
}
