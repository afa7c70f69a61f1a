import type { Permission, Subject } from '@leastwise/audit-event';
import type { BindingUsages, SubjectScore } from '@leastwise/rbac';

import type { RemarkedPermission } from './policy-report.ts';

/** How much of what a subject is granted it used. */
export type SubjectCompliance = Pick<
  SubjectScore,
  | 'subject'
  | 'score'
  | 'severity'
  | 'granted'
  | 'used'
  | 'unobservable'
  | 'isAtLeast'
  | 'sensitiveExcess'
  | 'sensitiveUnobservable'
> & {
  /** How many permissions it used that the known RBAC does not grant. */
  readonly uncovered: number;
  /** Whether a use of everything that it is granted would have been seen for as long as is asked for. */
  readonly isObservable: boolean;
  /** Why the audit policy logs nothing of it, as plain text; `undefined` where it logs something, or is not known. */
  readonly hiddenBy: string | undefined;
};

/** A permission that a binding grants and that was not used, or a wide one of which only a part was. */
export interface UnusedGrant {
  /** As a rule spells it, in one namespace or cluster-wide. */
  readonly permission: Permission;
  /** Whether something that it includes was used. */
  readonly isPartlyUsed: boolean;
}

/** What subjects do not use of one binding, each of them the same. */
export interface UnusedOfBinding {
  readonly binding: {
    readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
    /** `''` for a ClusterRoleBinding. */
    readonly namespace: string;
    readonly name: string;
  };
  readonly role: { readonly kind: 'Role' | 'ClusterRole'; readonly name: string };
  readonly subjects: readonly Subject[];
  readonly unused: readonly UnusedGrant[];
  /** What is not called unused, for the audit policy does not log every use of it, and by which rule. */
  readonly unobservable: readonly RemarkedPermission[];
  /** How many more there are that were not looked into, for they are too many. */
  readonly more: number;
}

/** What the API server said of the bindings of one subject, as those that allowed what it asked. */
export interface SubjectBindings extends BindingUsages {
  readonly subject: Subject;
}

/** What the compliance report of one cluster says. Lists in any order. */
export interface ComplianceReport {
  /** The last day (UTC) of which use counts, in days since the epoch. */
  readonly asOfDay: number;
  /** For how many days up to then use counts. */
  readonly retentionDays: number;
  /** For how many days a subject has to be observable before something is called unused. */
  readonly minimumObservationDays: number;
  /** Without the audit policy, what it does not log counts as unused. */
  readonly isAuditPolicyKnown: boolean;
  readonly subjects: readonly SubjectCompliance[];
  /** How many subjects are left out by choice, or as parts of Kubernetes. */
  readonly leftOut: number;
  readonly unused: readonly UnusedOfBinding[];
  /** Empty where the log does not say which binding allowed a request. */
  readonly bindings: readonly SubjectBindings[];
}
