import { createHash } from 'node:crypto';

import type { Subject } from '@leastwise/audit-event';

const MAX_OBJECT_NAME = 50;
const MAX_LABEL_VALUE = 63;
const HASH_LENGTH = 12;

/** The first 48 bits of SHA-256, as hexadecimal digits: no word of a name looks like them. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

const LOOKS_HASHED = new RegExp(`-[0-9a-f]{${String(HASH_LENGTH)}}$`);
const PREFIX = { User: 'user', Group: 'group', ServiceAccount: 'sa' } as const;

function identityOfSubject(subject: Subject): string {
  return JSON.stringify([subject.kind, subject.namespace, subject.name]);
}

function foldText(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '');
}

/**
 * A text as part of a name: lower case letters, digits, dots and inner hyphens, at most `max` long,
 * with a hash of `identity` exactly where folding or cutting lost something. A text that already ends
 * like a hash gets one too: so no text can pose as the folded form of another.
 */
function foldName(text: string, max: number, identity: string): string {
  const folded = foldText(text);
  const isWhole = folded === text && folded.length <= max && /[a-z0-9]$/.test(folded);
  if (isWhole && !LOOKS_HASHED.test(folded)) return folded;
  return cutName(text, max, identity);
}

/** As much of a text as fits, and a hash. */
function cutName(text: string, max: number, identity: string): string {
  const cut = foldText(text)
    .slice(0, max - HASH_LENGTH - 1)
    .replace(/[.-]+$/, '');
  return `${cut === '' ? 'x' : cut}-${shortHash(identity)}`;
}

/** What an object is to a policy; bindings name their role's kind, since a roleRef can never change. */
export type ObjectRole = 'role' | 'clusterrole' | 'role-binding' | 'clusterrole-binding';

/**
 * `suggested-<subject>-<what>`, at most 50 characters, a function of the subject alone.
 * @param extra - tells several shared roles of one subject apart, by a hash in the name; `''` for the usual one
 */
export function objectName(subject: Subject, what: ObjectRole, extra = ''): string {
  const text = subject.kind === 'ServiceAccount' ? `${subject.namespace}.${subject.name}` : subject.name;
  const head = `suggested-${PREFIX[subject.kind]}-`;
  const tail = `-${what}`;
  const room = MAX_OBJECT_NAME - head.length - tail.length;
  const identity = identityOfSubject(subject);
  // A dot in a namespace, which Kubernetes does not allow, must not pass for the one before the name.
  const isPlain = extra === '' && !subject.namespace.includes('.');
  const name = isPlain ? foldName(text, room, identity) : cutName(text, room, `${identity} ${extra}`);
  return head + name + tail;
}

/** The user as audit2rbac's templates see it: a service account by its name, unless that is `default`. */
function templateUser(subject: Subject): string {
  if (subject.kind !== 'ServiceAccount') return subject.name;
  return subject.name === 'default'
    ? `system:serviceaccount:${subject.namespace}:${subject.name}`
    : subject.name;
}

function fold(text: string, identity: string): string {
  const folded = text.toLowerCase().replace(/[^a-z0-9:]/g, '-');
  const isWhole = folded.replaceAll(':', '-') === text.replaceAll(':', '-') && !LOOKS_HASHED.test(folded);
  return isWhole && folded.length <= 100 ? folded : `${folded.slice(0, 100)}-${shortHash(identity)}`;
}

/**
 * Fills a template of object names: `${user}` as audit2rbac has it (a service account's bare name),
 * `${subject}` so that no two subjects share it (`namespace:name` for a service account). Every
 * character but letters, digits and colons becomes a hyphen, in lower case; with a hash where that lost
 * something.
 */
export function templateName(template: string, subject: Subject): string {
  const identity = identityOfSubject(subject);
  const { kind, namespace, name } = subject;
  const bare = kind === 'ServiceAccount' ? `${namespace}:${name}` : kind === 'Group' ? `group:${name}` : name;
  // A colon in a user's or group's name must not pass for the one after a namespace or a kind.
  const whole = kind !== 'ServiceAccount' && name.includes(':') ? `${bare}-${shortHash(identity)}` : bare;
  return template
    .replaceAll('${user}', fold(templateUser(subject), identity))
    .replaceAll('${subject}', fold(whole, identity))
    .slice(0, 253);
}

/** Fills `${user}` into a label's value and makes it a valid one: at most 63 characters, ends alphanumeric. */
export function templateLabel(template: string, subject: Subject): string {
  const user =
    subject.kind === 'ServiceAccount'
      ? `system:serviceaccount:${subject.namespace}:${subject.name}`
      : subject.name;
  const text = template.replaceAll('${user}', user.toLowerCase().replace(/[^a-z0-9]/g, '-'));
  const valid = text.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  if (valid.length <= MAX_LABEL_VALUE) return valid;
  const room = MAX_LABEL_VALUE - HASH_LENGTH - 1;
  return `${valid.slice(0, room).replace(/[^A-Za-z0-9]+$/, '')}-${shortHash(identityOfSubject(subject))}`;
}

const SAFE_SUFFIX = '[bcdfghjklmnpqrstvwxz2456789]{5}';
const GENERATED = [
  // generateName's random suffix, alone or after a pod template's hash.
  new RegExp(`-${SAFE_SUFFIX}$`),
  new RegExp(`-[a-f0-9]{7,10}(-${SAFE_SUFFIX})?$`),
  new RegExp(`-[bcdfghjklmnpqrstvwxz2456789]{8,10}(-${SAFE_SUFFIX})?$`),
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/,
  // Events (name.1789abcdef012345), CronJobs' minute counters, long hashes.
  /\.[0-9a-f]{12,}$/,
  /-[0-9]{8,}$/,
  /[0-9a-f]{32,}$/,
];

/**
 * Whether a name looks made by a machine: a suffix of `generateName` (apimachinery's SafeEncodeString
 * alphabet), a pod template hash, a UUID, a counter or a digest.
 */
export function looksGenerated(name: string): boolean {
  return GENERATED.some((pattern) => pattern.test(name));
}
