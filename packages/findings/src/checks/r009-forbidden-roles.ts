import { matchesGlob } from '@leastwise/rbac';

import type { AccessModel, BindingEntry } from '../access/model.ts';
import { byScope } from '../access/scope.ts';
import type { FindingSeverity } from '../types.ts';
import { subjectCheck } from './binding-check.ts';
import { infoOf } from './check.ts';

const WIDE_ROLES: readonly string[] = ['admin', 'cluster-admin', 'edit'];
const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'MEDIUM');

function severityOf(binding: BindingEntry, { policy }: AccessModel): FindingSeverity | undefined {
  const { kind, name } = binding.object.roleRef;
  const forbidden = policy.forbiddenRoles.find(
    (each) => (each.kind ?? kind) === kind && matchesGlob(each.name, name),
  );
  if (forbidden?.severity !== undefined) return forbidden.severity;
  const isWide = kind === 'ClusterRole' && WIDE_ROLES.includes(name);
  return forbidden !== undefined || isWide ? SEVERITIES[binding.scope.kind] : undefined;
}

/** The wide roles that Kubernetes brings along, and those that the policy forbids. */
export const R009 = subjectCheck(
  infoOf(
    {
      id: 'R009',
      title: 'Bound to cluster-admin, admin, edit or a forbidden role',
      why: 'These roles are made for people who own the whole, or hold secrets and pods of all applications of a namespace. Hardly anything needs all of it.',
      remedy: 'Bind a role of what is used: `leastwise generate` makes one of the audit log.',
      peers: ['TR 0111', 'KU 0185', 'KY'],
    },
    SEVERITIES,
  ),
  (_, binding, model) => severityOf(binding, model),
);
