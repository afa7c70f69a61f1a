import type { HttpAnswer } from './transport.ts';

/** What an answer says about how much more may be asked. */
export interface RateLimit {
  /** Whether this request was refused for it. */
  readonly isRefused: boolean;
  /** How long nothing more should be asked. */
  readonly waitMs: number;
}

/** GitHub: wait at least a minute where a secondary limit says no time. */
const UNSAID_MS = 60_000;
/** The longest window of the three forges; a header that says more is taken for this. */
const MAX_MS = 3_600_000;
/** Numbers above are seconds since the epoch (1973 and later), below: seconds from now. */
const FIRST_EPOCH = 100_000_000;
const SECONDARY = /rate limit|abuse detection/i;

/**
 * Reads `Retry-After`, `X-RateLimit-*` (GitHub) and `RateLimit-*` (GitLab) of an answer; `undefined` where there is
 * nothing to wait for. A request that was let through as the last one of its window counts too: the next would be
 * refused.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * @see https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/
 */
export function rateLimitOf(answer: HttpAnswer, nowMs: number): RateLimit | undefined {
  const retryAfter = retryAfterOf(answer, nowMs);
  const isExhausted = header(answer, 'ratelimit-remaining') === '0';
  const resetMs = isExhausted ? untilReset(answer, nowMs) : undefined;
  const hasSaid = retryAfter !== undefined || isExhausted || SECONDARY.test(answer.body.slice(0, 2000));
  if (answer.status === 429 || (answer.status === 403 && hasSaid)) {
    return { isRefused: true, waitMs: bounded(retryAfter ?? resetMs ?? UNSAID_MS) };
  }
  return resetMs === undefined ? undefined : { isRefused: false, waitMs: bounded(resetMs) };
}

/** `Retry-After` in milliseconds: seconds, or a date. */
export function retryAfterOf(answer: HttpAnswer, nowMs: number): number | undefined {
  const value = answer.headers.get('retry-after');
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return bounded(Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : bounded(date - serverNow(answer, nowMs));
}

function untilReset(answer: HttpAnswer, nowMs: number): number | undefined {
  const value = header(answer, 'ratelimit-reset') ?? '';
  if (!/^\d{1,12}$/.test(value)) return undefined;
  const seconds = Number(value);
  return seconds < FIRST_EPOCH ? seconds * 1000 : seconds * 1000 - serverNow(answer, nowMs);
}

/** The server's clock, so that a clock of ours that is wrong does not matter. */
function serverNow(answer: HttpAnswer, nowMs: number): number {
  const date = Date.parse(answer.headers.get('date') ?? '');
  return Number.isNaN(date) ? nowMs : date;
}

function header(answer: HttpAnswer, name: string): string | undefined {
  return answer.headers.get(`x-${name}`) ?? answer.headers.get(name);
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_MS);
}
