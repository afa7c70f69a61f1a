import type { BindingSubject } from '@leastwise/rbac';

import type { FindingSeverity } from '../types.ts';

/** Whom an entry means. `*` in a text stands for anything. */
export interface SubjectPattern {
  /** Absent: a user, a group or a service account that is called so. */
  readonly kind?: BindingSubject['kind'];
  /** Of a service account without `namespace`, and without `kind`, the whole `system:serviceaccount:NAMESPACE:NAME`. */
  readonly name: string;
  readonly namespace?: string;
}

/** A subject that must not be bound to anything. */
export interface ForbiddenSubject {
  readonly subject: SubjectPattern;
  readonly severity: FindingSeverity;
}

/** A role that must not be bound. */
export interface ForbiddenRole {
  /** Absent: either. */
  readonly kind?: 'Role' | 'ClusterRole';
  /** `*` stands for anything. */
  readonly name: string;
  /** Absent: as bad as its reach makes it. */
  readonly severity?: FindingSeverity;
}

/** Namespaces in which no binding may be but those that are allowed. */
export interface RestrictedNamespace {
  /** `*` stands for anything. */
  readonly namespace: string;
  /** A binding is allowed if each of its subjects is, */
  readonly allowedSubjects: readonly SubjectPattern[];
  /** or if its role is. */
  readonly allowedRoles: readonly string[];
  readonly severity: FindingSeverity;
}

/** Who has to act on what is found where. The last entry that fits counts, as in CODEOWNERS. */
export interface NamespaceOwners {
  readonly namespaces: readonly string[];
  readonly isClusterWide: boolean;
  readonly owners: readonly string[];
}

/** Somebody's word that a finding is known, until a day. */
export interface Suppression {
  readonly check: string;
  readonly subject?: SubjectPattern;
  /** Where the grant holds; findings for the whole cluster are meant only where this is absent. */
  readonly namespace?: string;
  readonly object?: { readonly kind?: string; readonly namespace?: string; readonly name: string };
  readonly owner: string;
  readonly reason: string;
  /** The last day on which it counts (UTC), `2026-12-31`. */
  readonly until: string;
  /** In the policy's file, from 1. */
  readonly line: number;
}

/** Custom resources that start pods. */
export interface WorkloadResource {
  readonly apiGroup: string;
  readonly resource: string;
}

/** Who runs the cluster: some checks are about one provider only. */
export type Provider = 'aks' | 'eks' | 'gke' | 'other';

/** What one cluster's owners forbid, allow, and answer for. */
export interface ViolationPolicy {
  readonly forbiddenSubjects: readonly ForbiddenSubject[];
  readonly forbiddenRoles: readonly ForbiddenRole[];
  readonly restrictedNamespaces: readonly RestrictedNamespace[];
  /** Whose rights reach the control plane. `*` stands for anything. */
  readonly privilegedNamespaces: readonly string[];
  /** Absent: not known. */
  readonly provider?: Provider;
  readonly workloadResources: readonly WorkloadResource[];
  readonly thresholds: {
    readonly rolesPerSubject: number;
    readonly subjectsPerNamespace: number;
    /** For how many days a grant has to be unused, and a use of it visible, before it is told. */
    readonly unusedDays: number;
  };
  /** Absent: nobody asks for reviews. */
  readonly reviewedAt?: { readonly key: string; readonly maxAgeDays: number };
  readonly owners: readonly NamespaceOwners[];
  readonly suppressions: readonly Suppression[];
  /** The checks whose bindings may be removed by a controller. */
  readonly remediation: { readonly rules: readonly string[] };
}

/** What holds where no policy says otherwise. */
export const DEFAULT_VIOLATION_POLICY: ViolationPolicy = {
  forbiddenSubjects: [],
  forbiddenRoles: [],
  restrictedNamespaces: [],
  privilegedNamespaces: ['kube-system'],
  workloadResources: [],
  thresholds: { rolesPerSubject: 20, subjectsPerNamespace: 100, unusedDays: 90 },
  owners: [],
  suppressions: [],
  remediation: { rules: [] },
};

/** The annotation that tells when somebody last looked, unless the policy names another. */
export const DEFAULT_REVIEWED_AT_KEY = 'leastwise.dev/reviewed-at';
