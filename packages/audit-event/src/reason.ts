import { withoutNul } from './uri.ts';

const ALLOWED = 'RBAC: allowed by ';
const TO_GROUP = ' to Group ';
const CLAUSES: readonly (readonly [string, readonly string[]])[] = [
  ['', ['ClusterRoleBinding ', 'RoleBinding ']],
  [' of ', ['ClusterRole ', 'Role ']],
];

/**
 * The group through which a request was allowed, by the annotation `authorization.k8s.io/reason`
 * (`RBAC: allowed by RoleBinding "name/ns" of Role "r" to Group "g"`); `''` where it names a user, a service account
 * or nothing. Names are quoted as Go's `%q` does, so that a name with quotes in it cannot pass for another subject.
 *
 * @see k8s.io/kubernetes pkg/registry/rbac/validation/rule.go
 */
export function grantingGroupOf(reason: string | undefined): string {
  // Nearly all reasons name no group, and a literal `" to Group "` cannot be missing from one that does.
  if (reason === undefined || !reason.startsWith(ALLOWED) || !reason.includes('" to Group "')) return '';
  let at = ALLOWED.length;
  for (const [before, between] of CLAUSES) {
    const start = skip(reason, at, before, between);
    if (start < 0) return '';
    at = endOfQuoted(reason, start);
    if (at < 0) return '';
  }
  if (!reason.startsWith(TO_GROUP, at)) return '';
  const start = at + TO_GROUP.length;
  return endOfQuoted(reason, start) === reason.length ? withoutNul(unquote(reason.slice(start + 1, -1))) : '';
}

/** The index after `before` and one of `words` at `at`, -1 where they are not there. */
function skip(text: string, at: number, before: string, words: readonly string[]): number {
  if (!text.startsWith(before, at)) return -1;
  const start = at + before.length;
  const word = words.find((candidate) => text.startsWith(candidate, start));
  return word === undefined ? -1 : start + word.length;
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
