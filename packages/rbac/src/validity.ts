import type { Subject } from '@leastwise/audit-event';

import { STAND_IN } from '@leastwise/audit-event';
import type { Cell } from './policy.ts';

/** The verbs of the Kubernetes API conventions; all others are special. */
export const STANDARD_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** Whether a verb on a resource is beyond the eight standard ones: bind, escalate, impersonate, use, proxy, … */
export function isSpecialVerb(cell: Pick<Cell, 'verb' | 'resource'>): boolean {
  return cell.resource !== '' && !STANDARD_VERBS.includes(cell.verb);
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Whether a namespace of this name can exist (RFC 1123 label). */
export function isValidNamespace(namespace: string): boolean {
  return namespace.length <= 63 && DNS_LABEL.test(namespace);
}

/** Whether text is an RFC 1123 subdomain, as names of service accounts and API groups are. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => DNS_LABEL.test(label));
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xfffd || code >= 0xfffe) return true;
  }
  return text.includes(STAND_IN);
}

/** Whether an object can bear this name in an API path (apimachinery's IsValidPathSegmentName, no control characters). */
export function isValidName(name: string): boolean {
  return name.length <= 253 && name !== '.' && name !== '..' && !/[/%]/.test(name) && !hasControl(name);
}

const VERB = /^[a-z][a-z0-9:-]*$/;
const RESOURCE = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

function problemOfPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a path that does not start with a slash';
  if (path.includes('*')) return 'a path with an asterisk, which a rule would read as a wildcard';
  if (hasControl(path)) return 'a path with control characters, or too long to keep';
  return undefined;
}

function problemOfResource(cell: Cell): string | undefined {
  const [resource = '', ...sub] = cell.resource.split('/');
  if (!RESOURCE.test(resource) || hasControl(cell.resource)) return 'not the name of a resource';
  if (sub.some((part) => part === '' || part.includes('*'))) return 'not the name of a subresource';
  if (cell.apiGroup !== '' && !isDnsSubdomain(cell.apiGroup)) return 'not the name of an API group';
  if (cell.namespace !== '' && !isValidNamespace(cell.namespace)) return 'not the name of a namespace';
  return problemOfName(cell);
}

/** What impersonation names are no API objects: any text but controls names a user, a group, a UID or a value. */
const IDENTITIES: readonly string[] = ['users', 'groups', 'uids', 'userextras'];

function problemOfName({ resource, name, verb }: Cell): string | undefined {
  if (name === '') return undefined;
  if (!IDENTITIES.includes(resource.split('/', 1)[0] ?? '')) {
    return isValidName(name) ? undefined : 'not the name of an object';
  }
  if (resource === 'groups' && name === 'system:masters' && verb.startsWith('impersonate')) {
    return 'the equivalent of cluster-admin';
  }
  return hasControl(name) ? 'a name with control characters, or too long to keep' : undefined;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why nothing can be bound to a subject, or `undefined` where it can. */
export function subjectProblem({ namespace, name }: Subject): string | undefined {
  if (name === '') return 'a subject without a name';
  const isPlain = !hasControl(name) && !hasControl(namespace) && !LONE_SURROGATE.test(name + namespace);
  return isPlain ? undefined : 'a subject with control characters in its name, or too long to keep';
}

/**
 * Why a cell cannot be rendered, or `undefined` where it can. Whatever a rule would read as a wildcard
 * is refused here: paths, resources and even methods come from clients.
 */
export function unrenderableReason(cell: Cell): string | undefined {
  if (!VERB.test(cell.verb)) {
    return cell.verb === '' ? 'an empty verb, which only a wildcard allows' : 'not a verb';
  }
  return cell.resource === '' ? problemOfPath(cell.path) : problemOfResource(cell);
}
