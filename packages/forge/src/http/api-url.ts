import { ForgeError } from '@leastwise/publish';

import type { HttpAnswer } from './transport.ts';

/** Parameters of a request that reads. */
export type Query = Readonly<Record<string, string | number>>;

/**
 * The address of an API, to which paths are added.
 * @throws ForgeError where it is no http(s) address, or holds a password, query or fragment
 */
export function apiUrlOf(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.search === '' && url.hash === '';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol) || url.username + url.password !== '') {
    throw new ForgeError(
      'refused',
      `${name}: the API's address must be http(s) without user, query and fragment`,
    );
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** The address of a path below an API's, which begins with `/` and whose segments are encoded. */
export function urlOf(apiUrl: URL, path: string, query: Query): URL {
  const url = new URL(apiUrl);
  url.pathname += path.slice(1);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url;
}

/** Whether a `Link` header (RFC 8288) names a next page. */
export function hasNextPage(link: string | undefined): boolean {
  return (link ?? '').split(',').some((each) => /;\s*rel="?next"?\s*(;|$)/i.test(each.trim()));
}

const REDIRECTS = [301, 302, 307, 308];

/**
 * Where an answer sends us; `undefined` where it does not. Never to another origin, for the token would go with it, and
 * a request that changes something goes elsewhere only by 307 and 308, which say that it stays what it is.
 * @throws ForgeError for every other redirect
 */
export function redirectOf(
  call: { readonly method: string; readonly what: string },
  url: URL,
  answer: HttpAnswer,
): URL | undefined {
  if (!REDIRECTS.includes(answer.status)) return undefined;
  const location = answer.headers.get('location') ?? '';
  const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  const isOurs = target?.origin === url.origin && target.username + target.password === '';
  if (isOurs && (call.method === 'GET' || answer.status >= 307)) return target;
  const where = isOurs ? 'elsewhere' : 'to another host';
  throw new ForgeError(
    'not-found',
    `${call.what}: redirected ${where} (${answer.status}): was it renamed or moved?`,
  );
}
