import { impliedGroups, type Subject } from '@leastwise/audit-event';

import { createAuthorizer } from '../authorizer/index.ts';
import { groupBy } from '../grant.ts';
import type { Cell } from '../policy.ts';
import type { RbacObject } from '../types.ts';
import { isGranted, ruleOf } from './cells.ts';

/** Two contents of a subject's files. */
export interface Transition {
  readonly subject: Subject;
  readonly before: readonly RbacObject[];
  readonly after: readonly RbacObject[];
  /** What has to be granted before, after and in between. */
  readonly promised: readonly Cell[];
}

/** Objects stand in the files of their namespace; those of the cluster in the cluster's, `''`. */
function fileOf({ kind, metadata }: RbacObject): string {
  return kind === 'Role' || kind === 'RoleBinding' ? (metadata.namespace ?? '') : '';
}

/**
 * The namespaces whose files cannot be merged before or after those of the cluster without taking away for a while
 * what is promised, with `''` for the cluster; none where each file can be merged by itself. Files of two namespaces
 * never depend on each other.
 */
export function entangled({ subject, before, after, promised }: Transition): string[] {
  const old = groupBy(before, fileOf);
  const now = groupBy(after, fileOf);
  const byNamespace = groupBy(promised, ({ namespace }) => namespace);
  const isHeld = (cells: readonly Cell[], ...files: (readonly RbacObject[] | undefined)[]): boolean => {
    const objects = files.flatMap((file) => file ?? []);
    return isGranted(cells.map(ruleOf), createAuthorizer(objects).rulesFor(subject, impliedGroups(subject)));
  };
  const found = [...new Set([...old.keys(), ...now.keys()])].filter((namespace) => {
    if (namespace === '') return false;
    const cells = byNamespace.get(namespace) ?? [];
    const isFirst = isHeld(cells, now.get(namespace), old.get(''));
    return !isFirst || !isHeld(cells, old.get(namespace), now.get(''));
  });
  return found.length === 0 ? [] : ['', ...found.sort()];
}
