import type { Box } from './box.ts';
import type { Dimension, Representative } from './cover.ts';

/** One of the two is a group of everybody whose request gets as far as the rules with a user. */
const BASE_GROUPS = ['system:authenticated', 'system:unauthenticated'];

interface Identity {
  /** `undefined`: a user whom no rule mentions. */
  readonly username: string | undefined;
  readonly groups: readonly string[];
}

/**
 * Who asks. A user in more groups is caught by more rules, so that users in as few groups as the target allows stand
 * for all. Failed authentication has no user, and meets no condition about users.
 */
export const identityDimension: Dimension = {
  isFree: ({ users, groups }) => users === undefined && groups === undefined,
  representatives: (target, boxes) => {
    const mentioned = [...new Set(boxes.flatMap(({ users }) => users ?? []))];
    const usernames = target.users ?? [...mentioned, undefined];
    const identities = usernames.flatMap((username) =>
      leastGroups(target.groups).map((groups): Identity => ({ username, groups })),
    );
    const named = identities.map(
      (identity): Representative =>
        (box) =>
          isHeld(identity, box),
    );
    const isNobody = target.users === undefined && target.groups === undefined;
    return isNobody ? [...named, ({ users, groups }) => users === undefined && groups === undefined] : named;
  },
};

function leastGroups(groups: readonly string[] | undefined): readonly (readonly string[])[] {
  if (groups === undefined) return BASE_GROUPS.map((base) => [base]);
  return groups.flatMap((group) =>
    BASE_GROUPS.includes(group) ? [[group]] : BASE_GROUPS.map((base) => [base, group]),
  );
}

function isHeld({ username, groups }: Identity, box: Box): boolean {
  if (box.users !== undefined && (username === undefined || !box.users.includes(username))) return false;
  return box.groups === undefined || groups.some((group) => box.groups?.includes(group) ?? false);
}
