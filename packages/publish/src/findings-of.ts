import { type Subject, subjectKey } from '@leastwise/audit-event';
import type { RbacFinding } from '@leastwise/findings';
import { objectKey, type RbacObject } from '@leastwise/rbac';

/** Somebody, and the objects that are about nobody else. */
export interface Owner {
  readonly subject: Subject;
  readonly objects: readonly RbacObject[];
}

/**
 * Gives each finding to whose objects it is about, in the order of the owners: to the owner of its object, else to its
 * subject. What is about no one of them, such as how many subjects a namespace has, is left out: it depends on who
 * happens to be judged together.
 */
export function findingsOf(findings: readonly RbacFinding[], owners: readonly Owner[]): RbacFinding[][] {
  const byObject = new Map<string, number>();
  const bySubject = new Map<string, number>();
  for (const [at, { subject, objects }] of owners.entries()) {
    bySubject.set(subjectKey(subject), at);
    for (const object of objects) byObject.set(objectKey(object), at);
  }
  const found: RbacFinding[][] = owners.map(() => []);
  for (const finding of findings) {
    const { kind, namespace = '', name } = finding.object;
    const subject = finding.subject && { ...finding.subject, namespace: finding.subject.namespace ?? '' };
    const at =
      byObject.get(`${kind}\0${namespace}\0${name}`) ?? (subject && bySubject.get(subjectKey(subject)));
    if (at !== undefined) found[at]?.push(finding);
  }
  return found;
}
