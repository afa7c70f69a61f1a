import { type Subject, subjectFromUsername } from '@leastwise/audit-event';
import type { BindingSubject } from '@leastwise/rbac';

/** Who a subject is that was named outside of any binding; `undefined` for nobody. */
export function subjectOf({ kind, name, namespace = '' }: BindingSubject): Subject | undefined {
  if (kind === 'User') return subjectFromUsername(name);
  return name === '' ? undefined : { kind, namespace: kind === 'Group' ? '' : namespace, name };
}
