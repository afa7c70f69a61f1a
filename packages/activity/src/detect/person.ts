import type { Subject } from '@leastwise/audit-event';

/** Whether a subject is a person: a user that is no service account, node or part of Kubernetes. */
export function isPerson({ kind, name }: Subject): boolean {
  return kind === 'User' && !name.startsWith('system:');
}
