import type { RbacObject } from '@leastwise/rbac';

import type { AuditInput } from '../input.ts';
import type { FindingSeverity } from '../types.ts';
import { binding, clusterBinding, clusterRole, role } from './objects.ts';

/** Something that a check has to tell, or must not. */
export interface Case {
  readonly check: string;
  readonly what: string;
  readonly objects: readonly RbacObject[];
  readonly rest?: Partial<AuditInput>;
  /** The worst that the check tells; `none` for a look-alike. */
  readonly severity: FindingSeverity | 'none';
}

type Where = 'C' | 'P' | 'N';

const NAMESPACES = { P: 'kube-system', N: 'shop' } as const;

/** Rules of one role, bound to one user in the whole cluster, in kube-system, or in shop. */
export function granted(where: Where, rules: readonly string[]): readonly RbacObject[] {
  if (where === 'C') return [clusterRole('r', rules), clusterBinding('b', 'r', ['User alice'])];
  const namespace = NAMESPACES[where];
  return [role(namespace, 'r', rules), binding(`${namespace}/b`, 'Role r', ['User alice'])];
}

/** `R030 C CRITICAL: get core secrets; list core secrets`, or with `none` for a look-alike. */
export function grantCase(line: string, rest?: Partial<AuditInput>): Case {
  const colon = line.indexOf(': ');
  const [check = '', where, severity] = line.slice(0, colon).split(' ');
  const rules = line.slice(colon + 2).split('; ');
  // The lines are written by hand, below.
  const objects = granted(where as Where, rules);
  return {
    check,
    what: line,
    objects,
    severity: severity as Case['severity'],
    ...(rest === undefined ? {} : { rest }),
  };
}
