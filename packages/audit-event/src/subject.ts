import type { Subject } from './types.ts';
import { withoutNul } from './uri.ts';

const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';

/**
 * The subject that RBAC binds for a username: `system:serviceaccount:NAMESPACE:NAME` (two parts, neither of them
 * empty) is always the ServiceAccount, everything else a User. NUL becomes U+FFFD. `undefined` for `''`.
 */
export function subjectFromUsername(username: string): Subject | undefined {
  if (username === '') return undefined;
  const name = withoutNul(username);
  if (name.startsWith(SERVICE_ACCOUNT_PREFIX)) {
    const account = parseServiceAccountFlag(name.slice(SERVICE_ACCOUNT_PREFIX.length));
    if (account !== undefined) return account;
  }
  return { kind: 'User', namespace: '', name };
}

/** The service account named by `NAMESPACE:NAME`, `undefined` unless there are exactly two parts, both non-empty. */
export function parseServiceAccountFlag(value: string): Subject | undefined {
  const colon = value.indexOf(':');
  if (colon <= 0 || colon === value.length - 1 || value.includes(':', colon + 1)) return undefined;
  return { kind: 'ServiceAccount', namespace: value.slice(0, colon), name: value.slice(colon + 1) };
}

/** The username that a subject authenticates as; `''` for a group, which does not authenticate. */
export function usernameOf(subject: Subject): string {
  switch (subject.kind) {
    case 'User':
      return subject.name;
    case 'ServiceAccount':
      return `${SERVICE_ACCOUNT_PREFIX}${subject.namespace}:${subject.name}`;
    case 'Group':
      return '';
  }
}

/**
 * A key that no other subject has: `user:NAME`, `group:NAME` or `serviceaccount:NAMESPACE:NAME`.
 * A colon or percent sign in a namespace, which Kubernetes allows in none, is percent-encoded.
 */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case 'User':
      return `user:${subject.name}`;
    case 'Group':
      return `group:${subject.name}`;
    case 'ServiceAccount':
      return `serviceaccount:${escapeNamespace(subject.namespace)}:${subject.name}`;
  }
}

function escapeNamespace(namespace: string): string {
  if (!namespace.includes(':') && !namespace.includes('%')) return namespace;
  return namespace.replaceAll('%', '%25').replaceAll(':', '%3A');
}

/**
 * The groups that every request of a subject has: those that the API server adds to a user or service account, and
 * for a group itself with the ones that its members must be in. Groups from a client's certificate or token are not
 * known here.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export function impliedGroups(subject: Subject): readonly string[] {
  switch (subject.kind) {
    case 'User':
      return [subject.name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated'];
    case 'ServiceAccount':
      return [
        'system:authenticated',
        'system:serviceaccounts',
        `system:serviceaccounts:${subject.namespace}`,
      ];
    case 'Group':
      return groupsOfMembers(subject.name);
  }
}

function groupsOfMembers(group: string): readonly string[] {
  if (group === 'system:unauthenticated' || group === 'system:authenticated') return [group];
  if (group.startsWith('system:serviceaccounts:')) {
    return ['system:authenticated', 'system:serviceaccounts', group];
  }
  return ['system:authenticated', group];
}
