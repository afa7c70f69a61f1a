import { impliedGroups, type Subject, subjectKey } from '@leastwise/audit-event';

import { isGranted, ruleOf, type ScopedRule } from '../approved/cells.ts';
import { type Authorizer, createAuthorizer, type GrantedRule } from '../authorizer/index.ts';
import type { ExceptionClass, SubjectPolicy } from '../policy.ts';
import type { RbacObject } from '../types.ts';

/** A subject that has files of ours in force, and what it was seen to need. */
export interface ManagedSubject {
  readonly subject: Subject;
  /** Our objects as they are in force: what the files of the base branch hold, once applied. They are never listed. */
  readonly own: readonly RbacObject[];
  readonly wanted: Pick<SubjectPolicy, 'objects' | 'exceptions' | 'granted' | 'isIncomplete'>;
}

/** A managed subject as the search for retirable bindings sees it. */
export interface Holder {
  readonly subject: Subject;
  readonly key: string;
  readonly needs: readonly ScopedRule[];
  /** Whether `needs` are all that it needs. */
  readonly isKnown: boolean;
  /** What it holds by its own name and by the groups that it is always in. */
  readonly granted: readonly GrantedRule[];
  /** Keys of the groups that it is always in. */
  readonly groups: ReadonlySet<string>;
  /** Keys of the groups that the API server named: it may have left them since. */
  readonly seenGroups: ReadonlySet<string>;
}

/**
 * Observed, and not among the wanted objects: if it is a binding that grants it, that has to stay. What another
 * authorizer grants, what is past retention and what was in namespaces that are gone needs no binding.
 */
const NEEDED: readonly ExceptionClass[] = ['withheld', 'granted-by-default', 'unrenderable', 'not-selected'];

function groupKeys(names: Iterable<string>): Set<string> {
  return new Set([...names].map((name) => subjectKey({ kind: 'Group', namespace: '', name })));
}

/** Prepares a managed subject. @param authorizer - over all that is in force */
export function holderOf({ subject, wanted }: ManagedSubject, authorizer: Authorizer): Holder {
  const groups = impliedGroups(subject);
  const granted = authorizer.rulesFor(subject, groups);
  const excepted = wanted.exceptions
    .filter((each) => NEEDED.includes(each.class))
    .map(({ cell }) => ruleOf(cell))
    // What no known binding grants came through a group that only its token names: no binding of its own matters.
    .filter((rule) => isGranted([rule], granted));
  const evidence = [...wanted.granted, ...wanted.exceptions].map((each) => each.evidence);
  return {
    subject,
    key: subjectKey(subject),
    needs: [...createAuthorizer(wanted.objects).rulesFor(subject, []), ...excepted],
    isKnown: !wanted.isIncomplete,
    granted,
    groups: groupKeys(groups),
    seenGroups: groupKeys(evidence.flatMap(({ grantingGroups }) => grantingGroups)),
  };
}
