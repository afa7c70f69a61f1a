import type { GrantingBinding } from './types.ts';
import { withoutNul } from './uri.ts';

const ALLOWED = 'RBAC: allowed by ';
const BINDINGS = ['ClusterRoleBinding ', 'RoleBinding '] as const;
const ROLES = ['ClusterRole ', 'Role '] as const;
const SUBJECTS = ['Group ', 'ServiceAccount ', 'User '] as const;

/** What the reason of an allowed request names. */
export interface Granted {
  /** The group through which it was allowed; `''` where a user, a service account or nothing is named. */
  readonly group: string;
  /** The binding that allowed it; `undefined` where none is named that the API server could hold. */
  readonly binding: GrantingBinding | undefined;
}

const NOTHING_NAMED: Granted = { group: '', binding: undefined };

/**
 * Through what a request was allowed, by the annotation `authorization.k8s.io/reason`
 * (`RBAC: allowed by RoleBinding "name/ns" of Role "r" to Group "g"`). Names are quoted as Go's `%q` does, so that a
 * name with quotes in it cannot pass for another subject or binding.
 *
 * @see k8s.io/kubernetes pkg/registry/rbac/validation/rule.go
 */
export function grantedBy(reason: string | undefined): Granted {
  if (reason === undefined || !reason.startsWith(ALLOWED)) return NOTHING_NAMED;
  const binding = clauseAt(reason, ALLOWED.length, '', BINDINGS);
  const role = binding && clauseAt(reason, binding.end, ' of ', ROLES);
  const subject = role && clauseAt(reason, role.end, ' to ', SUBJECTS);
  if (!binding || !role || subject?.end !== reason.length) return NOTHING_NAMED;
  return {
    group: subject.word === 'Group ' ? subject.name : '',
    binding: bindingOf(binding, role),
  };
}

/** One part of a reason: a word and the name after it. */
interface Clause<Word extends string> {
  readonly word: Word;
  readonly name: string;
  /** The index after it. */
  readonly end: number;
}

/** `before`, one of `words` and a quoted name at `at`. */
function clauseAt<Word extends string>(
  text: string,
  at: number,
  before: string,
  words: readonly Word[],
): Clause<Word> | undefined {
  if (!text.startsWith(before, at)) return undefined;
  const afterBefore = at + before.length;
  const word = words.find((candidate) => text.startsWith(candidate, afterBefore));
  if (word === undefined) return undefined;
  const start = afterBefore + word.length;
  const end = endOfQuoted(text, start);
  return end < 0 ? undefined : { word, name: withoutNul(unquote(text.slice(start + 1, end - 1))), end };
}

/**
 * Names of RBAC objects have no slash, so that the last one of `name/ns` is the only one; a ClusterRoleBinding binds a
 * ClusterRole only.
 *
 * @see k8s.io/kubernetes pkg/apis/rbac/validation/validation.go
 */
function bindingOf(
  binding: Clause<(typeof BINDINGS)[number]>,
  role: Clause<(typeof ROLES)[number]>,
): GrantingBinding | undefined {
  const roleKind = role.word === 'Role ' ? 'Role' : 'ClusterRole';
  if (role.name === '' || role.name.includes('/')) return undefined;
  const [name = '', namespace = '', ...more] = binding.name.split('/');
  if (name === '' || more.length > 0) return undefined;
  if (binding.word === 'ClusterRoleBinding ') {
    if (binding.name.includes('/') || roleKind === 'Role') return undefined;
    return { kind: 'ClusterRoleBinding', namespace: '', name, roleKind, roleName: role.name };
  }
  if (namespace === '') return undefined;
  return { kind: 'RoleBinding', namespace, name, roleKind, roleName: role.name };
}

/** The index after the closing quote of the quoted text at `start`, -1 where there is none. */
function endOfQuoted(text: string, start: number): number {
  if (text[start] !== '"') return -1;
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i + 1;
  }
  return -1;
}

const ESCAPES = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);
const HEX_DIGITS = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** Undoes the escapes of Go's `%q`; a byte that is no UTF-8 (`\xff`) becomes U+FFFD. */
function unquote(text: string): string {
  if (!text.includes('\\')) return text;
  let plain = '';
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] !== '\\') {
      plain += text.charAt(i);
      continue;
    }
    i += 1;
    const escape = text.charAt(i);
    const digits = HEX_DIGITS.get(escape);
    if (digits === undefined) {
      plain += ESCAPES.get(escape) ?? escape;
    } else {
      plain += fromHex(text.slice(i + 1, i + 1 + digits));
      i += digits;
    }
  }
  return plain;
}

function fromHex(digits: string): string {
  const code = Number.parseInt(digits, 16);
  const isByte = digits.length === 2 && code > 0x7f;
  return isByte || !(code <= 0x10ffff) ? '\u{FFFD}' : String.fromCodePoint(code);
}

/**
 * Whether an allowed request was allowed by RBAC, as far as the log tells: true without a reason, false where the
 * reason is empty (system:masters), has no `RBAC:` (another authorizer), or names the group system:masters.
 */
export function allowedByRbac(reason: string | undefined, grantingGroup: string): boolean {
  return reason === undefined || (reason.includes('RBAC:') && grantingGroup !== 'system:masters');
}
