import { createHash } from 'node:crypto';

import type { Subject } from '@leastwise/audit-event';

/** Where reports of users and groups are kept, unless told otherwise. */
export const DEFAULT_REPORT_NAMESPACE = 'leastwise-system';

const PREFIX = { User: 'user-', Group: 'group-', ServiceAccount: 'sa-' } as const;
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** 128 bits: nobody can invent a second subject whose name folds to a given one. */
const HASH_DIGITS = 32;
const LOOKS_HASHED = new RegExp(`-[0-9a-f]{${HASH_DIGITS}}$`);
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS_LABEL = new RegExp(`^${LABEL}$`);
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}([.]${LABEL})*$`);

/** Whether a text can be a namespace's name (RFC 1123 label). */
export function isNamespaceName(text: string): boolean {
  return text.length <= MAX_LABEL && DNS_LABEL.test(text);
}

/**
 * Where a subject's report stands: a service account's in its own namespace, where its owners look; everything else,
 * and accounts whose namespace cannot exist, in `others`.
 */
export function reportNamespace(subject: Subject, others: string): string {
  return isInItsNamespace(subject) ? subject.namespace : others;
}

function isInItsNamespace({ kind, namespace }: Subject): boolean {
  return kind === 'ServiceAccount' && isNamespaceName(namespace);
}

/**
 * The name of a subject's report, a function of the subject alone: `sa-NAME`, `user-NAME` or `group-NAME` where that is
 * a valid name (RFC 1123 subdomain, at most 253 characters), else what is left of it and a hash. A name that ends like
 * a hash gets one too: so no two subjects of one namespace share a name, and none can pose as another.
 */
export function reportName(subject: Subject): string {
  const { kind, namespace, name } = subject;
  const plain = PREFIX[kind] + name;
  const hasItsPlace = kind !== 'ServiceAccount' || isInItsNamespace(subject);
  const isValid = plain.length <= MAX_NAME && DNS_SUBDOMAIN.test(plain);
  if (hasItsPlace && isValid && !LOOKS_HASHED.test(plain)) return plain;
  const identity = JSON.stringify([kind, namespace, name]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, HASH_DIGITS);
  const folded = plain
    .slice(0, MAX_NAME)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return `${folded.slice(0, MAX_NAME - HASH_DIGITS - 1).replace(/-+$/, '')}-${hash}`;
}
