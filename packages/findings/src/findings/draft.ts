import { type Subject, subjectKey } from '@leastwise/audit-event';

import type { BindingEntry, RoleEntry } from '../access/model.ts';
import type { FindingSeverity, GrantStep, ObjectReference } from '../types.ts';

/** A finding before it has its key, its place in the order, and its suppression. */
export interface Draft {
  readonly check: string;
  readonly severity: FindingSeverity;
  readonly message: string;
  readonly object: ObjectReference;
  readonly subject?: Subject;
  readonly namespace?: string;
  readonly paths: readonly GrantStep[];
}

/** The way by a binding to a role as a whole. */
export function wholeStep(binding: BindingEntry): GrantStep {
  const { kind, name } = binding.roleReference;
  return {
    binding: binding.reference,
    role: binding.roleReference,
    grant: `all that ${kind} ${name} grants`,
  };
}

/**
 * Which object has to change for a grant to go: the role, unless it is not ours to judge or is Kubernetes' own work;
 * then the binding. `undefined` where neither is.
 */
export function objectToChange(role: RoleEntry, binding: BindingEntry): ObjectReference | undefined {
  if (role.isAudited && !role.isShipped) return role.reference;
  return binding.isAudited && !binding.isShipped ? binding.reference : undefined;
}

/** One object has one reference in an audit, and is asked for its key over and over. */
const KEYS = new WeakMap<ObjectReference, string>();

/** What tells one object from another, wherever it was read. */
export function objectKey(reference: ObjectReference): string {
  const known = KEYS.get(reference);
  if (known !== undefined) return known;
  const key = makeKey(reference);
  KEYS.set(reference, key);
  return key;
}

function makeKey({ kind, namespace, name, uid }: ObjectReference): string {
  return uid === undefined ? JSON.stringify([kind, namespace ?? '', name]) : JSON.stringify([uid]);
}

/** What tells one finding from another. */
export function draftKey({
  check,
  subject,
  namespace,
  object,
}: Omit<Draft, 'severity' | 'message' | 'paths'>): string {
  return JSON.stringify([
    check,
    subject === undefined ? '' : subjectKey(subject),
    namespace ?? '*',
    objectKey(object),
  ]);
}
