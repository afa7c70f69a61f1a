import { textAt, valueAt } from './json-value.ts';
import { KubeError, type KubeFailure, shownMessage } from './kube-error.ts';
import type { Waiting } from './waiting.ts';

/** One request to an API server. */
export interface KubeRequest {
  /** POST asks, and keeps nothing: see `isAllowed`. */
  readonly method: 'GET' | 'PATCH' | 'DELETE' | 'POST';
  /** Segments are encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly text: string };
}

/** What it answered, whatever the status. */
export interface KubeAnswer {
  readonly status: number;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** A cluster that can be asked. */
export interface Cluster {
  /** Its address, for people. */
  readonly server: string;
  /**
   * Sends one request once.
   * @throws KubeError where there is no answer: `unreachable` if another try may help, else `configuration`
   */
  send(request: KubeRequest): Promise<KubeAnswer>;
  /** Closes idle connections. */
  close(): void;
}

/** A cluster that also answers line by line, for as long as it has something to say. */
export interface WatchableCluster extends Cluster {
  /**
   * Sends one request and hands over each line of a good answer as it comes, until the server ends it.
   * @returns the status; the text is empty where lines were handed over
   * @throws KubeError where there is no answer, it breaks off, a line is longer than any object, or `signal` aborts
   */
  follow(request: KubeRequest, onLine: (line: string) => void, signal: AbortSignal): Promise<KubeAnswer>;
}

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;
/** What an API server may make one request wait; more than that is for the next run. */
const MAX_WAIT_MS = 30_000;
const OVERLOADED = [429, 500, 502, 503, 504];

/** The value of a JSON text; `undefined` where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a refusal means. A `Status` names in its details what is missing, or why. */
function failureOf(status: number, body: unknown): KubeFailure {
  if (OVERLOADED.includes(status)) return 'overloaded';
  const causes = valueAt(body, 'details', 'causes');
  const isEnding =
    Array.isArray(causes) && causes.some((each) => textAt(each, 'reason') === 'NamespaceTerminating');
  if (isEnding) return 'no-namespace';
  switch (status) {
    case 400:
    case 413:
    case 422:
      return 'invalid';
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return missingOf(textAt(body, 'details', 'kind'));
    case 409:
    case 410:
      return 'conflict';
    default:
      return 'unexpected';
  }
}

/** Without details it is the path that is unknown, so the whole kind of object. */
function missingOf(kind: string): KubeFailure {
  if (kind === 'namespaces') return 'no-namespace';
  return kind === '' ? 'not-installed' : 'conflict';
}

/** What an answer that is not 2xx means. */
export function errorOf(what: string, { status, text }: KubeAnswer): KubeError {
  const body = parsed(text);
  const failure = failureOf(status, body);
  const said = shownMessage(textAt(body, 'message') || text.trim());
  return new KubeError(failure, `${what}: ${status}${said === '' ? '' : ` ${said}`}`, status);
}

/** What `Retry-After` asks for, in milliseconds; API servers send seconds. */
function retryAfterMs({ headers }: KubeAnswer): number {
  const value = headers['retry-after'];
  const seconds = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : 0;
  return seconds * 1000;
}

/** Sends one request until it was answered; all of ours may be sent twice. */
async function trySend(cluster: Cluster, request: KubeRequest): Promise<KubeAnswer | KubeError> {
  try {
    return await cluster.send(request);
  } catch (error) {
    if (error instanceof KubeError && error.failure === 'unreachable') return error;
    throw error;
  }
}

/** A request that is done: the status and the parsed body, `undefined` where that is no JSON. */
export interface KubeResult {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks an API server, and asks again where it could not serve (429, 5xx, no answer) or somebody else wrote at the same
 * time (409 to an apply): four times at growing, spread intervals, or as long as it asks for, up to half a minute.
 * @throws KubeError for any answer that is not 2xx
 */
export async function ask(cluster: Cluster, request: KubeRequest, waiting: Waiting): Promise<KubeResult> {
  const what = `${cluster.server}: ${request.method} ${request.path}`;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await trySend(cluster, request);
    const isAnswer = !(answer instanceof KubeError);
    if (isAnswer && answer.status >= 200 && answer.status < 300) {
      return { status: answer.status, body: parsed(answer.text) };
    }
    const error = isAnswer ? errorOf(what, answer) : answer;
    const isInRace = error.status === 409 && request.method === 'PATCH';
    const askedMs = isAnswer ? retryAfterMs(answer) : 0;
    const helps = isInRace || error.failure === 'overloaded' || error.failure === 'unreachable';
    if (!helps || attempt === ATTEMPTS || askedMs > MAX_WAIT_MS) throw error;
    const delayMs = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + waiting.random() / 2);
    await waiting.sleep(Math.max(askedMs, Math.round(delayMs)));
  }
}
