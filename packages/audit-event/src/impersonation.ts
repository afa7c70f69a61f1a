import { subjectFromUsername } from './subject.ts';
import type { AuditEvent, Need, Permission, Subject, UserInfo } from './types.ts';
import { withoutNul } from './uri.ts';

const AUTHENTICATION_GROUP = 'authentication.k8s.io';
const NODE_PREFIX = 'system:node:';
const LEGACY_VERB = 'impersonate';

/** How an impersonation was allowed: the verb of its checks and, in a constrained mode (KEP-5284), the mode. */
interface Mode {
  readonly verb: string;
  /** `user-info`, `serviceaccount`, `arbitrary-node`, `associated-node`, …; `''` for legacy impersonation. */
  readonly name: string;
}

/**
 * What the real user needed in order to act as the impersonated one: `impersonate` on the user or service account,
 * on each group, on the UID and on each extra value; in a constrained mode, `impersonate:MODE` on these and
 * `impersonate-on:MODE:VERB` on what the request itself asked for. Groups that the API server adds by itself
 * are checked by nobody and give no permission.
 *
 * @param asked - what the authorizer was asked about the request itself
 * @returns `undefined` without impersonation, or if one of the two users has no name
 * @see https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/, https://kep.k8s.io/5284
 */
export function impersonationNeed(event: AuditEvent, asked: Permission): Need | undefined {
  const wanted = event.impersonatedUser;
  if (wanted === undefined) return undefined;
  const requestor = subjectFromUsername(event.user.username);
  const target = subjectFromUsername(wanted.username);
  if (requestor === undefined || target === undefined) return undefined;
  const mode = modeOf(event.impersonationConstraint);
  const permissions = [identityPermission(mode, target)];
  if (mode.name === '' || mode.name === 'user-info')
    permissions.push(...attributePermissions(mode, target, wanted));
  if (mode.name !== '') permissions.push({ ...asked, verb: `impersonate-on:${mode.name}:${asked.verb}` });
  return {
    subject: requestor,
    groups: event.user.groups,
    permissions,
    viaRbac: !event.user.groups.includes('system:masters'),
    grantingGroup: '',
  };
}

function modeOf(constraint: string): Mode {
  const prefix = `${LEGACY_VERB}:`;
  if (!constraint.startsWith(prefix)) return { verb: LEGACY_VERB, name: '' };
  return { verb: withoutNul(constraint), name: withoutNul(constraint.slice(prefix.length)) };
}

/** Users, groups, nodes and service accounts are of the core group in legacy mode only. */
function groupOf(mode: Mode): string {
  return mode.name === '' ? '' : AUTHENTICATION_GROUP;
}

function permission(verb: string, apiGroup: string, resource: string, name: string): Permission {
  return { verb, apiGroup, resource: withoutNul(resource), namespace: '', name: withoutNul(name), path: '' };
}

function identityPermission(mode: Mode, target: Subject): Permission {
  const group = groupOf(mode);
  if (target.kind === 'ServiceAccount') {
    return { ...permission(mode.verb, group, 'serviceaccounts', target.name), namespace: target.namespace };
  }
  // A service account that acts as its own node is checked for all nodes at once, under the name `*`.
  if (mode.name === 'associated-node') return permission(mode.verb, group, 'nodes', '*');
  if (mode.name === 'arbitrary-node') {
    return permission(mode.verb, group, 'nodes', target.name.slice(NODE_PREFIX.length));
  }
  return permission(mode.verb, group, 'users', target.name);
}

function attributePermissions(mode: Mode, target: Subject, wanted: UserInfo): Permission[] {
  const permissions: Permission[] = [];
  for (const group of requestedGroups(target, wanted.groups)) {
    permissions.push(permission(mode.verb, groupOf(mode), 'groups', group));
  }
  if (wanted.uid !== '') permissions.push(permission(mode.verb, AUTHENTICATION_GROUP, 'uids', wanted.uid));
  for (const [key, values] of wanted.extra) {
    const resource = key === '' ? 'userextras' : `userextras/${key}`;
    for (const value of new Set(values)) {
      permissions.push(permission(mode.verb, AUTHENTICATION_GROUP, resource, value));
    }
  }
  return permissions;
}

/** The groups that the client asked for: those of the impersonated user less those that the API server adds. */
function requestedGroups(target: Subject, groups: readonly string[]): ReadonlySet<string> {
  const requested = new Set(groups);
  requested.delete(isAnonymous(target) ? 'system:unauthenticated' : 'system:authenticated');
  if (target.kind === 'ServiceAccount') {
    const all = 'system:serviceaccounts';
    const ofNamespace = `${all}:${target.namespace}`;
    // They are added together, and only if the client asked for no group at all.
    const areAdded = requested.size === 2 && requested.has(all) && requested.has(ofNamespace);
    if (areAdded) requested.clear();
  }
  return requested;
}

function isAnonymous(subject: Subject): boolean {
  return subject.kind === 'User' && subject.name === 'system:anonymous';
}
