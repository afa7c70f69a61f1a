import type { Subject } from '@leastwise/audit-event';

/** A subject for people, unescaped: `ServiceAccount ns/name`, `User name`, `Group name`. */
export function subjectName(subject: Subject): string {
  switch (subject.kind) {
    case 'ServiceAccount':
      return `ServiceAccount ${subject.namespace}/${subject.name}`;
    case 'User':
    case 'Group':
      return `${subject.kind} ${subject.name}`;
  }
}

/** Orders subjects by kind, then namespace, then name, by code units. */
export function compareSubjects(a: Subject, b: Subject): number {
  return compare(a.kind, b.kind) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

/** Orders text by code units, which no locale changes. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
