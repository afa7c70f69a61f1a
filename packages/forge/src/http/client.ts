import { ForgeError } from '@leastwise/publish';

import { AnswerCache } from './answer-cache.ts';
import { apiUrlOf, hasNextPage, type Query, redirectOf, urlOf } from './api-url.ts';
import { forgeErrorOf, wordsOf } from './failure.ts';
import { Fields } from './fields.ts';
import { rateLimitOf, retryAfterOf } from './rate-limit.ts';
import { type HttpAnswer, type HttpRequest, type Transport, TransportError } from './transport.ts';
import type { Waiting } from './waiting.ts';

/** How one forge is spoken to. */
export interface HttpClientOptions {
  /** What it is called in errors. */
  readonly name: string;
  readonly apiUrl: string;
  readonly transport: Transport;
  readonly waiting: Waiting;
  /** Asked for before each request, since tokens are replaced. */
  readonly token: () => Promise<string>;
  /** The value of `Authorization` for a token. */
  readonly authorization: (token: string) => string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** At least so long between two requests that change something; GitHub asks for a second. */
  readonly writeGapMs?: number;
}

/** A request that changes something. */
export interface Write {
  readonly method: 'POST' | 'PATCH' | 'PUT';
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /**
   * Whether doing it twice is as doing it once, so that it may be sent again where no answer came. PATCH and PUT are, a
   * POST is where this says so.
   */
  readonly isRepeatable?: boolean;
}

interface Call extends HttpRequest {
  /** For errors: without query, without anything secret. */
  readonly what: string;
  readonly isRepeatable: boolean;
}

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;
/** What a limit may make one request wait; a longer wait is for the next cycle. */
const MAX_WAIT_MS = 60_000;
const MAX_REDIRECTS = 3;
/** Beyond that a list is an error, never cut in silence. */
const MAX_PAGES = 1000;
const RETRIED = [500, 502, 503, 504];
/** What a forge may say to a request that it understood: the caller decides what it means. */
const DECISIONS = ['refused', 'conflict', 'not-found'];

/**
 * The HTTP of all forges. Requests go one after the other; what failed on the way is tried again, at growing and
 * spread intervals, where that can do no harm; limits are waited for up to a minute, and after that refused without
 * asking until they are over. Nothing that it throws holds the token.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #apiUrl: URL;
  readonly #cache = new AnswerCache();
  #last: Promise<unknown> = Promise.resolve();
  #closedUntil = 0;
  #nextWrite = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#apiUrl = apiUrlOf(options.name, options.apiUrl);
  }

  /** One object. @throws ForgeError */
  async get(path: string, query: Query = {}): Promise<Fields> {
    const { what, value } = await this.#read(path, query);
    return new Fields(value, what);
  }

  /** One object, or `undefined` where there is none. @throws ForgeError */
  async find(path: string): Promise<Fields | undefined> {
    return this.get(path).catch((error: unknown) => {
      if (error instanceof ForgeError && error.failure === 'not-found') return undefined;
      throw error;
    });
  }

  /**
   * The pages of a list, in the order of the forge. Whether there is another one is told by `Link`; where it is, is
   * not asked: behind a proxy the forge may know itself by another name.
   * @throws ForgeError
   */
  async *pages(path: string, query: Query): AsyncGenerator<readonly Fields[], void, void> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const { what, value, hasNext } = await this.#read(path, { ...query, page });
      if (!Array.isArray(value)) throw new ForgeError('unexpected', `${what}: the answer is not a list`);
      yield value.map((each) => new Fields(each, what));
      if (!hasNext) return;
    }
    throw new ForgeError('unexpected', `${this.#options.name}: ${path} has more than ${MAX_PAGES} pages`);
  }

  /** A whole list. @throws ForgeError */
  async list(path: string, query: Query): Promise<readonly Fields[]> {
    const all: Fields[] = [];
    for await (const page of this.pages(path, query)) all.push(...page);
    return all;
  }

  /** Changes something. @throws ForgeError */
  async send(write: Write): Promise<Fields> {
    const outcome = await this.attempt(write);
    if (outcome instanceof ForgeError) throw outcome;
    return outcome;
  }

  /** As {@link send}, but returns the error where the forge decided against it. @throws ForgeError for all else */
  async attempt(write: Write): Promise<Fields | ForgeError> {
    const answer = await this.attemptAny(write);
    return answer instanceof ForgeError ? answer : new Fields(answer.value, answer.what);
  }

  /** As {@link attempt}, for answers of any form. @throws ForgeError */
  async attemptAny(write: Write): Promise<{ what: string; value: unknown } | ForgeError> {
    const { method, path, body, isRepeatable = method !== 'POST' } = write;
    const url = urlOf(this.#apiUrl, path, {});
    const what = `${this.#options.name}: ${method} ${path}`;
    const headers = { 'content-type': 'application/json' };
    const call = { method, url, headers, body: JSON.stringify(body), what, isRepeatable };
    try {
      return { what, value: parse(what, (await this.#inTurn(call)).body) };
    } catch (error) {
      if (error instanceof ForgeError && DECISIONS.includes(error.failure)) return error;
      throw error;
    }
  }

  async #read(path: string, query: Query): Promise<{ what: string; value: unknown; hasNext: boolean }> {
    const url = urlOf(this.#apiUrl, path, query);
    const what = `${this.#options.name}: GET ${path}`;
    const known = this.#cache.get(url.href);
    const headers: Record<string, string> = known === undefined ? {} : { 'if-none-match': known.etag };
    const answer = await this.#inTurn({ method: 'GET', url, headers, what, isRepeatable: true });
    if (answer.status === 304 && known !== undefined) {
      return { what, value: parse(what, known.body), hasNext: known.hasNext };
    }
    const value = parse(what, answer.body);
    const hasNext = hasNextPage(answer.headers.get('link'));
    const etag = answer.headers.get('etag');
    if (etag !== undefined) this.#cache.set(url.href, { etag, body: answer.body, hasNext });
    return { what, value, hasNext };
  }

  #inTurn(call: Call): Promise<HttpAnswer> {
    const answer = this.#last.then(() => this.#persist(call));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #persist(call: Call): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      await this.#standBack(call);
      const outcome = await this.#once(call);
      if (!(outcome instanceof Retriable)) return outcome;
      if (attempt === ATTEMPTS) throw outcome.error;
      await this.#options.waiting.sleep(outcome.waitMs ?? this.#backOff(attempt));
    }
  }

  #backOff(attempt: number): number {
    return FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + this.#options.waiting.random() / 2);
  }

  /** Waits for what a limit or the forge's manners ask for. @throws ForgeError where that takes too long */
  async #standBack({ what, method }: Call): Promise<void> {
    const { waiting, writeGapMs = 0 } = this.#options;
    const limitMs = this.#closedUntil - waiting.now();
    if (limitMs > MAX_WAIT_MS) {
      const seconds = Math.ceil(limitMs / 1000);
      const message = `${what}: not asked, for the rate limit is used up for ${seconds} s more`;
      throw new ForgeError('rate-limited', message, { retryAfterMs: limitMs });
    }
    const waitMs = Math.max(limitMs, method === 'GET' ? 0 : this.#nextWrite - waiting.now());
    if (waitMs > 0) await waiting.sleep(waitMs);
    if (method !== 'GET') this.#nextWrite = waiting.now() + writeGapMs;
  }

  async #once(call: Call): Promise<HttpAnswer | Retriable> {
    const { waiting, name, headers = {} } = this.#options;
    const token = await this.#token();
    const request = {
      ...call,
      headers: {
        'user-agent': 'leastwise',
        accept: 'application/json',
        ...headers,
        ...call.headers,
        authorization: this.#options.authorization(token),
      },
    };
    let answer: HttpAnswer;
    try {
      answer = await this.#follow(request);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const failure = new ForgeError('unreachable', withoutToken(`${call.what}: ${error.message}`, token));
      if (error.mayHaveArrived && !call.isRepeatable) throw failure;
      return new Retriable(failure);
    }
    const limit = rateLimitOf(answer, waiting.now());
    if (limit !== undefined) this.#closedUntil = Math.max(this.#closedUntil, waiting.now() + limit.waitMs);
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 304) return answer;
    const safe = { ...answer, body: withoutToken(answer.body, token) };
    if (limit?.isRefused === true) return new Retriable(limitError(name, limit.waitMs, safe), 0);
    const error = forgeErrorOf(call.what, safe);
    const isWorthIt = RETRIED.includes(answer.status) && call.isRepeatable;
    if (!isWorthIt) throw error;
    const hintMs = retryAfterOf(answer, waiting.now());
    return new Retriable(error, hintMs === undefined ? undefined : Math.min(hintMs, MAX_WAIT_MS));
  }

  async #token(): Promise<string> {
    const { name, token } = this.#options;
    const value = await token().catch((error: unknown) => {
      if (error instanceof ForgeError) throw error;
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      throw new ForgeError('unauthorized', `${name}: the token cannot be read${code}`);
    });
    const trimmed = value.trim();
    if (/^[!-~]+$/.test(trimmed)) return trimmed;
    throw new ForgeError('unauthorized', `${name}: the token is empty or holds what no token does`);
  }

  /** Sends it, and again where the same server says that what is read, or what may be repeated as it is, has moved. */
  async #follow(request: Call): Promise<HttpAnswer> {
    let url = request.url;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#options.transport({ ...request, url });
      const target = redirectOf(request, url, answer);
      if (target === undefined) return answer;
      if (redirects === MAX_REDIRECTS) {
        throw new ForgeError('unexpected', `${request.what}: more than ${MAX_REDIRECTS} redirects`);
      }
      url = target;
    }
  }
}

/** A failure after which the same request may succeed. */
class Retriable {
  readonly error: ForgeError;
  readonly waitMs: number | undefined;
  constructor(error: ForgeError, waitMs?: number) {
    this.error = error;
    this.waitMs = waitMs;
  }
}

function limitError(name: string, waitMs: number, answer: HttpAnswer): ForgeError {
  const message = `${name}: rate limit: ${answer.status} ${wordsOf(answer.body)}`.trim();
  return new ForgeError('rate-limited', message, { retryAfterMs: waitMs });
}

function parse(what: string, body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new ForgeError('unexpected', `${what}: the answer is not JSON`);
  }
}

/** A forge, or what stands before it, may echo what it was sent. */
function withoutToken(text: string, token: string): string {
  return text.replaceAll(token, '…');
}
