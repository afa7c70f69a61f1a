import type { BindingSubject, KubernetesVersion, RbacObject } from '@leastwise/rbac';

import type { AuditedObject, Origin, RbacFinding } from './types.ts';
import type { Suppression, ViolationPolicy } from './violation-policy/policy.ts';

/** A service account, as far as it is known. */
export interface AuditedServiceAccount {
  readonly namespace: string;
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly automountServiceAccountToken?: boolean;
  readonly uid?: string;
  readonly origin?: Origin;
}

/** Something that runs pods as a service account. */
export interface AuditedWorkload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `default` where the workload says nothing. */
  readonly serviceAccountName: string;
  /** What the pod says; absent where it leaves that to the service account. */
  readonly automountServiceAccountToken?: boolean;
  readonly uid?: string;
  readonly origin?: Origin;
}

/** Complete lists of what exists. What is absent is not known, and nothing is said about it. */
export interface KnownThings {
  readonly serviceAccounts?: readonly Pick<AuditedServiceAccount, 'namespace' | 'name'>[];
  readonly namespaces?: readonly string[];
  /** The users that the identity provider has; names that begin with `system:` need not be among them. */
  readonly users?: readonly string[];
}

/** A permission that a subject holds and did not use while every use of it would have been seen. */
export interface UnusedPermission {
  readonly subject: BindingSubject;
  readonly verb: string;
  readonly apiGroup: string;
  readonly resource: string;
  /** `''` where it holds for the whole cluster. */
  readonly namespace: string;
  /** For how many days it was not used. */
  readonly unusedDays: number;
  /** For how many days it is proven that a use would have been seen. */
  readonly observedDays: number;
}

/** Everything that an audit looks at. */
export interface AuditInput {
  /** What is judged. An object may be there more than once, as in the overlays of several clusters: each is judged. */
  readonly objects: readonly AuditedObject[];
  /** What exists besides: roles are found here and rights united with it, but it has no findings of its own. */
  readonly context?: readonly AuditedObject[];
  /** What the API server binds by itself in this version: `bootstrapDefaults` of `@leastwise/rbac`. */
  readonly bootstrap: readonly RbacObject[];
  /** `DEFAULT_VIOLATION_POLICY` unless it is given. */
  readonly policy?: ViolationPolicy;
  readonly known?: KnownThings;
  readonly serviceAccounts?: readonly AuditedServiceAccount[];
  readonly workloads?: readonly AuditedWorkload[];
  readonly unused?: readonly UnusedPermission[];
  /** The newest one that is known, unless it is given. */
  readonly kubernetesVersion?: KubernetesVersion;
  /**
   * Whether a role that no binding of the input refers to is judged as if somebody were bound to it, one
   * severity lower. A gate wants that, for the binding may come later; true unless it is given.
   */
  readonly judgeUnboundRoles?: boolean;
  /** Milliseconds since the epoch: for ends of suppressions, and for the age of reviews. */
  readonly nowMs: number;
}

/** What an audit found. */
export interface AuditResult {
  /** Worst first, then by check, object and subject. Suppressed ones are among them, and marked. */
  readonly findings: readonly RbacFinding[];
  /** Suppressions whose last day is over. They hide nothing any more. */
  readonly expired: readonly Suppression[];
  /** Suppressions still in force that fit no finding. */
  readonly idle: readonly Suppression[];
  readonly scanned: { readonly bindings: number; readonly roles: number };
}
