import type { Permission, Subject } from '@leastwise/audit-event';

import type { Evidence, PolicyRule, RbacObject } from './types.ts';

/**
 * Why an observed permission is not in the rendered objects: the exceptions to soundness, and no
 * others. `not-selected` only where the user asked for one namespace.
 */
export type ExceptionClass =
  | 'withheld'
  | 'granted-by-default'
  | 'other-authorizer'
  | 'unrenderable'
  | 'outside-retention'
  | 'namespace-gone'
  | 'not-selected';

/** One cell that somebody was observed to need, or is granted; `name` is `''` for any name. */
export type Cell = Permission;

/** A cell that is not rendered, and why. */
export interface Exception {
  readonly class: ExceptionClass;
  readonly cell: Cell;
  /** What is wrong with it, for people; `''` where the class says it all. */
  readonly detail: string;
  readonly evidence: Evidence;
}

/** A place where more is granted than was observed, by which knob. */
export interface Widening {
  readonly kind:
    | 'names-collapsed'
    | 'names-overflow'
    | 'names-omitted'
    | 'names-merged'
    | 'namespaces-expanded'
    | 'names-expanded'
    | 'verbs-expanded'
    | 'cluster-scope'
    | 'verb-wildcard'
    | 'deprecated-group'
    | 'namespace-group';
  /** What was widened, for people: `get secrets in ns1`. */
  readonly what: string;
  /** How many observed names or namespaces it replaces; 0 where that does not apply. */
  readonly replaced: number;
}

/** A rendered rule with everything that it rests on. */
export interface RuleEvidence {
  /** The very rule of one of {@link SubjectPolicy.objects}. */
  readonly rule: PolicyRule;
  readonly evidence: Evidence;
}

/** What one subject of one cluster should be granted, and how that came to be. */
export interface SubjectPolicy {
  readonly cluster: string;
  readonly subject: Subject;
  /** Roles, ClusterRole, RoleBindings, ClusterRoleBinding, in that order, each sorted by namespace. */
  readonly objects: readonly RbacObject[];
  readonly ruleEvidence: readonly RuleEvidence[];
  /** Every cell that the objects grant, with what it rests on. */
  readonly granted: readonly { readonly cell: Cell; readonly evidence: Evidence }[];
  readonly exceptions: readonly Exception[];
  readonly widenings: readonly Widening[];
  /** Whether a cap left rules of this subject out: then the policy grants less than was needed. */
  readonly isIncomplete: boolean;
  /** What was refused, most often first. Never granted unless asked for. */
  readonly denied: readonly { readonly cell: Cell; readonly evidence: Evidence }[];
  /** How many refusals beyond those in `denied`. */
  readonly deniedOverflow: number;
}
