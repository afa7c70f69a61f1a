import { type Subject, usernameOf } from '@leastwise/audit-event';
import { matchesGlob } from '@leastwise/rbac';

import type { SubjectPattern, ViolationPolicy } from './policy.ts';

/** Whether one of several globs matches. */
export function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchesGlob(glob, text));
}

/** Whether a pattern means a subject: `kind: User, name: system:serviceaccount:ns:n` is that service account. */
export function matchesSubject({ kind, name, namespace }: SubjectPattern, subject: Subject): boolean {
  const isUsername =
    subject.kind === 'ServiceAccount' && namespace === undefined && kind !== 'ServiceAccount';
  const asUser = isUsername && matchesGlob(name, usernameOf(subject));
  if (kind === 'User' && subject.kind === 'ServiceAccount') return asUser;
  if (kind === undefined && namespace === undefined && subject.kind === 'ServiceAccount') return asUser;
  if (kind !== undefined && kind !== subject.kind) return false;
  if (namespace !== undefined && !matchesGlob(namespace, subject.namespace)) return false;
  return matchesGlob(name, subject.name);
}

/**
 * Who has to act on a finding, by where its grant holds: the last entry that fits counts. None where nobody is named.
 * @param namespace - absent for the whole cluster
 */
export function ownersOf(policy: ViolationPolicy, namespace?: string): readonly string[] {
  const fits = policy.owners.findLast(({ namespaces, isClusterWide }) =>
    namespace === undefined ? isClusterWide : matchesAny(namespaces, namespace),
  );
  return fits?.owners ?? [];
}
