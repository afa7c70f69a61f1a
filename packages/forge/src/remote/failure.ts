import { ForgeError } from '@leastwise/publish';
import type { ForgeFailure } from '@leastwise/publish';

import type { GitResult } from '../git.ts';

/** How many characters of git's last words a message takes, and how many of its lines. */
const SHOWN_CHARACTERS = 600;
const SHOWN_LINES = 4;

/**
 * What git and the servers of the field say (in English: `LC_ALL=C`), most telling first. GitHub and GitLab answer 404
 * where one may not know that a repository exists; ssh ends each failure by "Could not read from remote repository".
 */
const SIGNS: readonly (readonly [RegExp, ForgeFailure])[] = [
  // A tip that was listed a moment ago and is no more, or no tip at all.
  [/unadvertised object|not our ref/i, 'conflict'],
  [/returned error: 429|too many requests|rate limit/i, 'rate-limited'],
  [/authentication failed|could not read (?:username|password)|invalid credentials/i, 'unauthorized'],
  [/permission denied|permission to \S+ denied|returned error: 40[13]|access denied/i, 'unauthorized'],
  [/write access to repository not granted|deploy key|not authorized/i, 'unauthorized'],
  [/unprotected private key file|error in libcrypto|invalid format/i, 'unauthorized'],
  [/repository .*not found|returned error: 404|does not appear to be a git repo/i, 'not-found'],
  [/does not exist|no such (?:file|remote|repository)|could not find|not a git repo/i, 'not-found'],
  [/unable to update url base from redirection|returned error: 30\d/i, 'not-found'],
  [/dubious ownership|returned error: 4\d\d|transport '.*' not allowed/i, 'refused'],
  [/could not resolve|failed to connect|couldn't connect|connection (?:refused|reset|timed)/i, 'unreachable'],
  [/certificate|host key verification failed|ssl|tls|timed? ?out|returned error: 5\d\d/i, 'unreachable'],
  [/hung up|early eof|unexpected disconnect|rpc failed|network|no route to host/i, 'unreachable'],
  [/could not read from remote|connection closed|kex_exchange|empty reply/i, 'unreachable'],
];

/**
 * The error for a call of git that did not reach its remote or was not let in.
 * @param what - what was to be done, and with which remote.
 * @param secrets - what must not be in the message, whatever git or the server repeats.
 */
export function forgeErrorOf(what: string, result: GitResult, secrets: readonly string[]): ForgeError {
  const said = redact(result.stderr, secrets);
  if (result.hasTimedOut) return new ForgeError('unreachable', `${what}: no end within the time given`);
  const failure = SIGNS.find(([sign]) => sign.test(said))?.[1] ?? 'unexpected';
  return new ForgeError(failure, `${what}: ${shorten(said)}`);
}

/** Takes secrets and the user part of URLs out of a text. */
export function redact(text: string, secrets: readonly string[]): string {
  const without = secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text);
  return without.replace(/\/\/[^/@\s]*@/g, '//…@');
}

/** The last lines on one line, without control characters: a server chooses some of them. */
export function shorten(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim())
    .filter((line) => line !== '');
  const shown = lines.slice(-SHOWN_LINES).join(' | ');
  return shown.length <= SHOWN_CHARACTERS ? shown : `…${shown.slice(-SHOWN_CHARACTERS)}`;
}
