import type { Subject } from '@leastwise/audit-event';
import type { BindingSubject } from '@leastwise/rbac';

import type { Scope } from './access/scope.ts';
import type { ObjectReference } from './types.ts';

/** Longer than any name that the API server takes. What is longer is cut, so that no message grows without bound. */
const MAX_NAME = 253;
const MAX_LISTED = 5;

/** Text of an object for a message: cut, never within a character. */
export function clipped(text: string): string {
  if (text.length <= MAX_NAME) return text;
  const isSplit = /[\uD800-\uDBFF]/.test(text.charAt(MAX_NAME - 1));
  return `${text.slice(0, isSplit ? MAX_NAME - 1 : MAX_NAME)}…`;
}

/** `a, b, c`; of many the first ones, and how many there are besides. */
export function listed(items: readonly string[], { separator = ', ', most = MAX_LISTED } = {}): string {
  const shown = items.slice(0, most).map(clipped).join(separator);
  return items.length <= most ? shown : `${shown} and ${items.length - most} more`;
}

/** `ServiceAccount shop/ci`, `User alice`, `Group ops`. */
export function subjectText({ kind, namespace, name }: Subject | BindingSubject): string {
  const prefix = namespace === undefined || namespace === '' ? '' : `${clipped(namespace)}/`;
  return `${kind} ${prefix}${clipped(name)}`;
}

/** `Role shop/reader`, `ClusterRole reader`. */
export function objectText({ kind, namespace, name }: ObjectReference): string {
  return `${kind} ${namespace === undefined ? '' : `${clipped(namespace)}/`}${clipped(name)}`;
}

/** `in the whole cluster` or `in namespace shop`. */
export function scopeText({ namespace }: Scope): string {
  return namespace === '' ? 'in the whole cluster' : `in namespace ${clipped(namespace)}`;
}

/** Compares by code units, as every order here is. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
