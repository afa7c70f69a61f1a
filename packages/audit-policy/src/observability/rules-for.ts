import { impliedGroups, type Subject, usernameOf } from '@leastwise/audit-event';

import { type Box, boxesOf } from '../cover/box.ts';
import { loggedStages } from '../match/match-policy.ts';
import type { AuditPolicy, AuditRule } from '../types.ts';

/** What a rule leaves in the log of how requests end: all of it, only what long-running ones say at their start, nothing. */
export type Logs = 'always' | 'long-running' | 'never';

/** A rule as far as it can be about one subject. */
export interface RuleFor {
  /** From 0. */
  readonly index: number;
  /** Whom it is about beyond what is certain of the subject, if anybody; then it may or may not decide. */
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly boxes: readonly Box[];
  readonly logs: Logs;
}

/** Everything that is known of who asks. */
interface Who {
  /** `undefined`: anybody in the groups. */
  readonly username: string | undefined;
  /** Groups that it is in for certain. */
  readonly groups: readonly string[];
  readonly mayBeIn: (group: string) => boolean;
  /** Of a group, whether a user may be in it. */
  readonly mayHave: (username: string) => boolean;
}

/** Their only groups are these and that of everybody. */
const SERVICE_ACCOUNTS = { group: 'system:serviceaccounts', usernames: 'system:serviceaccount:' };

/** Groups that only users of certain names are in, with groups below them after a colon. */
const RESERVED: readonly { readonly group: string; readonly usernames: string }[] = [
  SERVICE_ACCOUNTS,
  { group: 'system:nodes', usernames: 'system:node:' },
  { group: 'system:bootstrappers', usernames: 'system:bootstrap:' },
];
const BASE_GROUPS: readonly string[] = ['system:authenticated', 'system:unauthenticated'];
const EVERYBODY = 'system:authenticated';

/*
 * A service account is in its three groups and no others. Of a user nobody knows the groups for certain: which ones a
 * request came with is up to who signs its credentials, and what was seen once need not have been so always.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens,
 *   https://kubernetes.io/docs/reference/access-authn-authz/node/, .../bootstrap-tokens/
 */
function whoIs(subject: Subject): Who {
  const groups = impliedGroups(subject);
  const username = subject.kind === 'Group' ? undefined : usernameOf(subject);
  const isWithin = (group: string, family: string): boolean =>
    group === family || group.startsWith(`${family}:`);
  return {
    username,
    groups,
    mayBeIn: (group) => {
      if (subject.kind === 'ServiceAccount' || BASE_GROUPS.includes(group)) return false;
      const reserved = RESERVED.find((each) => isWithin(group, each.group));
      if (reserved === undefined) return true;
      if (username !== undefined) return username.startsWith(reserved.usernames);
      return subject.name === EVERYBODY || isWithin(subject.name, reserved.group);
    },
    mayHave: (name) =>
      !name.startsWith(SERVICE_ACCOUNTS.usernames) ||
      subject.name === EVERYBODY ||
      isWithin(subject.name, SERVICE_ACCOUNTS.group),
  };
}

/**
 * The rules of a policy that can be about a subject, in their order, without the conditions that it meets for certain.
 * A rule about groups that it may be in, or, where the subject is a group, about users who may be in it, stays with
 * that condition.
 */
export function rulesFor(subject: Subject, policy: AuditPolicy): RuleFor[] {
  const who = whoIs(subject);
  return policy.rules.flatMap((rule, index): RuleFor[] => {
    const users = leftOfUsers(rule, who);
    const userGroups = leftOfGroups(rule, who);
    if (users === undefined || userGroups === undefined) return [];
    const boxes = boxesOf({ ...rule, users, userGroups }, index);
    return [{ index, users, userGroups, boxes, logs: logsOf(policy, rule) }];
  });
}

/** What of the condition about users is open; `undefined` where the subject does not meet it. */
function leftOfUsers({ users }: AuditRule, { username, mayHave }: Who): readonly string[] | undefined {
  if (users.length === 0) return [];
  if (username !== undefined) return users.includes(username) ? [] : undefined;
  const open = users.filter(mayHave);
  return open.length === 0 ? undefined : open;
}

function leftOfGroups({ userGroups }: AuditRule, { groups, mayBeIn }: Who): readonly string[] | undefined {
  if (userGroups.length === 0 || userGroups.some((group) => groups.includes(group))) return [];
  const open = userGroups.filter(mayBeIn);
  return open.length === 0 ? undefined : open;
}

function logsOf(policy: AuditPolicy, rule: AuditRule): Logs {
  if (rule.level === 'None') return 'never';
  const stages = loggedStages(policy, rule);
  if (stages.includes('ResponseComplete')) return 'always';
  return stages.includes('ResponseStarted') ? 'long-running' : 'never';
}
