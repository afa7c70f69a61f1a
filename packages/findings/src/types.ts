import type { BindingSubject, PolicyRule, RbacObject } from '@leastwise/rbac';

/** How bad a finding is, worst first. */
export const FINDING_SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'] as const;
/** One of {@link FINDING_SEVERITIES}. */
export type FindingSeverity = (typeof FINDING_SEVERITIES)[number];

/** Where an object was read from: a line counts from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** An RBAC object as the auditor sees it: what it says, and who it is. */
export interface AuditedObject {
  readonly object: RbacObject;
  /** `metadata.uid`, where the object lives in a cluster. */
  readonly uid?: string;
  /** Where it was read from, where it comes from a file. */
  readonly origin?: Origin;
}

/** An object by name, as findings refer to it. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly origin?: Origin;
}

/** How a subject comes by a grant: binding → role → rule → grant. */
export interface GrantStep {
  readonly binding: ObjectReference;
  readonly role: ObjectReference;
  /** The rule's place in the role, from 0, and the rule; absent where the role is not known. */
  readonly ruleIndex?: number;
  readonly rule?: PolicyRule;
  /** The grant in words: `get secrets in namespace shop`. */
  readonly grant: string;
}

/** One thing that a check has to say about what exists. */
export interface RbacFinding {
  /** `R030`. */
  readonly check: string;
  readonly severity: FindingSeverity;
  /** What is wrong, one sentence with the names in it; raw, so escape it where it is shown. */
  readonly message: string;
  /** The object that has to change; what a violation is named for. */
  readonly object: ObjectReference;
  readonly subject?: BindingSubject;
  /** The namespace in which the grant holds; absent for the whole cluster. */
  readonly namespace?: string;
  /** Every way to it, at least one for findings about grants; capped at 16, see `morePaths`. */
  readonly paths: readonly GrantStep[];
  readonly morePaths?: number;
  /** Stable over runs: a hash of (check, subject, scope, object). */
  readonly key: string;
  /** Present where someone took responsibility for it until a day. */
  readonly suppressed?: { readonly owner: string; readonly until: string; readonly reason: string };
}

/** What the catalogue says of a check. */
export interface CheckInfo {
  readonly id: string;
  /** A few words, in the form of a title. */
  readonly title: string;
  /** Why it matters, one or two sentences. */
  readonly why: string;
  readonly remedy: string;
  /** The severity unless the scope makes it another. */
  readonly severity: FindingSeverity;
  /** By how far a grant reaches, where that is what decides: the whole cluster, a privileged namespace, any other. */
  readonly severities?: {
    readonly cluster: FindingSeverity;
    readonly privileged: FindingSeverity;
    readonly namespace: FindingSeverity;
  };
  /** The checks of other tools that look at the same. */
  readonly peers: readonly string[];
}
