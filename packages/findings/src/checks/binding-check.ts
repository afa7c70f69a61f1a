import type { Subject } from '@leastwise/audit-event';

import type { AccessModel, BindingEntry } from '../access/model.ts';
import { clipped, subjectText } from '../text.ts';
import type { CheckInfo, FindingSeverity } from '../types.ts';
import type { BindingCheck, BindingRemark } from './check.ts';

/** `binds User alice to ClusterRole view`. */
export function bindsText(subject: Subject, { object: { roleRef } }: BindingEntry): string {
  return `binds ${subjectText(subject)} to ${roleRef.kind} ${clipped(roleRef.name)}`;
}

/** Whether a binding refers to a certain ClusterRole: a Role of that name is another thing. */
export function refersToClusterRole(
  { object: { roleRef } }: BindingEntry,
  names: readonly string[],
): boolean {
  return roleRef.kind === 'ClusterRole' && names.includes(roleRef.name);
}

/** How a subject of a binding is rated; `undefined`: nothing to tell. */
export type RateSubject = (
  subject: Subject,
  binding: BindingEntry,
  model: AccessModel,
) => FindingSeverity | { readonly severity: FindingSeverity; readonly because: string } | undefined;

/** A check of who is bound, subject by subject. Whom a subject stands for counts, however it is spelled. */
export function subjectCheck(info: CheckInfo, rate: RateSubject): BindingCheck {
  return {
    kind: 'binding',
    info,
    judge: (binding, model) =>
      binding.subjects.flatMap(({ subject }): readonly BindingRemark[] => {
        if (subject === undefined) return [];
        const rated = rate(subject, binding, model);
        if (rated === undefined) return [];
        const { severity, because } = typeof rated === 'string' ? { severity: rated, because: '' } : rated;
        const says = bindsText(subject, binding) + (because === '' ? '' : `: ${because}`);
        return [{ severity, says, subject }];
      }),
  };
}
