import { ForgeError, type ForgeFailure } from '@leastwise/publish';

import type { HttpAnswer } from './transport.ts';

const MAX_WORDS = 300;

/** What a status that is no success means for the caller. */
export function failureOf(status: number): ForgeFailure {
  if (status === 401 || status === 403 || status === 407) return 'unauthorized';
  if (status === 404 || (status >= 300 && status < 400)) return 'not-found';
  if (status === 409 || status === 412) return 'conflict';
  if (status === 429) return 'rate-limited';
  if (status >= 500) return 'unreachable';
  return status >= 400 ? 'refused' : 'unexpected';
}

/** The error for an answer that is no success: what was asked, the status, and the forge's own words, bounded. */
export function forgeErrorOf(what: string, answer: HttpAnswer): ForgeError {
  return new ForgeError(failureOf(answer.status), `${what}: ${answer.status} ${wordsOf(answer.body)}`.trim());
}

/**
 * The words in the body of an error: `message` and `errors` of GitHub and Gitea, `message` and `error` of GitLab. One
 * line, with control characters escaped.
 */
export function wordsOf(body: string): string {
  const words = [...new Set(collect(parsed(body), 0))].join('; ');
  const line = words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (unit) => {
    return `\\u${(unit.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // A proxy's page of HTML says nothing that the status does not.
    return undefined;
  }
}

function collect(value: unknown, depth: number): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > 3) return [];
  if (Array.isArray(value)) return value.slice(0, 10).flatMap((each) => collect(each, depth + 1));
  // Only what is meant for people; `documentation_url` and the like would be noise.
  const names = depth === 0 ? ['message', 'error', 'errors'] : Object.keys(value).slice(0, 10);
  const entries = new Map<string, unknown>(Object.entries(value));
  return names.flatMap((name) => collect(entries.get(name), depth + 1));
}
