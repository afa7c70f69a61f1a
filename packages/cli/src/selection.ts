import { parseServiceAccountFlag, subjectFromUsername } from '@leastwise/audit-event';
import type { SubjectState } from '@leastwise/rbac';

import { CliError } from './exit.ts';

/** The flags that say whose policy is wanted. */
export interface SelectionFlags {
  readonly user?: string;
  readonly serviceaccount?: string;
  readonly group?: string;
  readonly groupBy?: 'reason' | 'membership';
  readonly all?: boolean;
}

/** Whose policy is wanted. */
export interface Selection {
  /** For messages. */
  readonly what: string;
  readonly group: { readonly name: string; readonly by: 'reason' | 'membership' } | undefined;
  isChosen(state: SubjectState): boolean;
}

/** What the flags select; exactly one of them. @throws CliError */
export function selectionOf(flags: SelectionFlags): Selection {
  const { user, serviceaccount, group, all } = flags;
  const given = [user, serviceaccount, group, all === true ? 'all' : undefined].filter(
    (each) => each !== undefined,
  );
  if (given.length !== 1) {
    const problem = given.length === 0 ? 'nobody is chosen' : 'more than one is chosen';
    throw new CliError(
      `${problem}: give one of --serviceaccount NAMESPACE:NAME, --user NAME, --group NAME, --all`,
    );
  }
  if ([user, serviceaccount, group].includes('')) throw new CliError('the name of whom to choose is empty');
  if (all === true) return { what: 'any subject', group: undefined, isChosen: () => true };
  if (group !== undefined) {
    const chosen = { name: group, by: flags.groupBy ?? 'reason' } as const;
    return { what: `group ${group}`, group: chosen, isChosen: ({ subject }) => subject.kind === 'Group' };
  }
  const subject =
    serviceaccount === undefined ? subjectFromUsername(user ?? '') : parseServiceAccountFlag(serviceaccount);
  if (!subject) throw new CliError('a service account is given as NAMESPACE:NAME');
  return {
    what: serviceaccount === undefined ? `user ${user ?? ''}` : `service account ${serviceaccount}`,
    group: undefined,
    isChosen: (state) =>
      state.subject.kind === subject.kind &&
      state.subject.namespace === subject.namespace &&
      state.subject.name === subject.name,
  };
}
