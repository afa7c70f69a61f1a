/** The API of `deploy/crds/rbacviolations.yaml`. */
export const VIOLATION_API = {
  group: 'leastwise.dev',
  version: 'v1alpha1',
  plural: 'rbacviolations',
} as const;

/** An object that a violation is about. */
export interface ViolationObject {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

/** A subject of a binding. */
export interface ViolationSubject {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** What is wrong with one object by one rule of the catalogue. */
export interface ViolationSpec {
  /** `R009`. */
  readonly rule: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
  readonly remedy: string;
  readonly object: ViolationObject;
  readonly subjects: readonly ViolationSubject[];
  /** Subjects that are not listed. */
  readonly moreSubjects: number;
  /** Each way to what is granted: binding, role, rule, grant. */
  readonly grants: readonly string[];
  /** Ways that are not listed. */
  readonly moreGrants: number;
  /** Who has to act, by the violation policy. */
  readonly owners: readonly string[];
}

/** Who took responsibility for it, until when. */
export interface ViolationSuppression {
  readonly owner: string;
  readonly until: string;
  readonly reason: string;
}

/** What was done about it without a person. */
export interface ViolationRemediation {
  readonly action: 'deleted' | 'would delete' | 'refused';
  readonly reason: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly at: string;
  /** The object as it was, in YAML: apply it to have it back. */
  readonly copy?: string;
}

/** What has become of it. Times are RFC 3339, UTC, whole seconds. */
export interface ViolationStatus {
  readonly state: 'Open' | 'Suppressed' | 'Resolved';
  readonly firstSeen: string;
  /** Present where it is resolved. */
  readonly resolvedAt?: string;
  readonly suppressed?: ViolationSuppression;
  readonly remediation?: ViolationRemediation;
}

/** An RBACViolation as we apply it. */
export interface RbacViolation {
  readonly apiVersion: 'leastwise.dev/v1alpha1';
  readonly kind: 'RBACViolation';
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: ViolationSpec;
}

/** One that is to stand, with what its status says besides times. */
export interface WantedViolation {
  readonly violation: RbacViolation;
  readonly suppressed?: ViolationSuppression;
}
