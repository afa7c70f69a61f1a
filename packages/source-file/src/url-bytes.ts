import { get as httpGet } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { SourceError } from '@leastwise/source';
import { messageOf, readStreamBytes } from './raw-bytes.ts';

/** How a URL is read. */
export interface UrlOptions {
  readonly signal: AbortSignal;
  /** How long the other side may be silent: before it answers, and between two pieces of the body. */
  readonly idleMs: number;
  /** Told the length of the body, in bytes, where the server tells it. */
  onLength(bytes: number): void;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * The body of a URL. Not by `fetch`: the certificate is checked whatever NODE_TLS_REJECT_UNAUTHORIZED says, which
 * fetch has no option for; a private authority is added with NODE_EXTRA_CA_CERTS. Follows up to five redirects,
 * never from https to http; user and password of the URL go to its own origin only.
 *
 * @throws SourceError where the server cannot be reached or trusted, or answers other than 200.
 * @throws DamageError where the body ends early.
 */
export async function* readUrlBytes(url: URL, options: UrlOptions): AsyncGenerator<Uint8Array, void> {
  const response = await follow(url, options);
  const length = Number(response.headers['content-length']);
  if (Number.isSafeInteger(length) && length >= 0) options.onLength(length);
  yield* readStreamBytes(response, options.signal);
}

/**
 * A URL as it may be shown: without user and password, and without the query, which carries the signature of a
 * presigned address.
 */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

async function follow(url: URL, options: UrlOptions): Promise<IncomingMessage> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await request(at, options);
    const status = response.statusCode ?? 0;
    if (status === 200) return response;
    response.destroy();
    const location = response.headers.location;
    if (!REDIRECTS.has(status) || location === undefined) {
      throw new SourceError(`${shownUrl(at)}: the server answered ${String(status)}`);
    }
    at = redirected(at, location);
  }
  throw new SourceError(`${shownUrl(url)}: more than ${String(MAX_REDIRECTS)} redirects`);
}

function redirected(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href))
    throw new SourceError(`${shownUrl(from)}: redirected to something that is no URL`);
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && (to.protocol !== 'http:' || from.protocol === 'https:')) {
    throw new SourceError(`${shownUrl(from)}: refused the redirect to ${to.protocol}//`);
  }
  if (to.origin === from.origin) {
    to.username = from.username;
    to.password = from.password;
  }
  return to;
}

async function request(url: URL, { signal, idleMs }: UrlOptions): Promise<IncomingMessage> {
  const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'leastwise' };
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const common = { headers, signal, timeout: idleMs, agent: false as const };
    const outgoing =
      url.protocol === 'https:'
        ? httpsGet(url, { ...common, rejectUnauthorized: true }, resolve)
        : httpGet(url, common, resolve);
    outgoing.on('timeout', () => {
      outgoing.destroy(new Error(`no byte for ${String(idleMs)} ms`));
    });
    outgoing.on('error', (cause) => {
      reject(new SourceError(`${shownUrl(url)}: ${messageOf(cause)}`, { cause }));
    });
  });
}
