import { readFile } from 'node:fs/promises';
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { rootCertificates } from 'node:tls';

/** One request to a server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a server answered, whatever the status. */
export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name; the first of those that came twice. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends one request and reads one answer. @throws TransportError where none came */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

/** How to reach servers. */
export interface TransportOptions {
  /** PEM file of an authority that is trusted beside the well-known ones. */
  readonly caFile?: string | undefined;
  /** For one request, from its start to the last byte of its answer; 30 s where nothing is said. */
  readonly timeoutMs?: number | undefined;
  /** The largest body of an answer; 32 MiB where nothing is said. */
  readonly maxBytes?: number | undefined;
}

/** No answer came. Its message names the reason as the system has it, never a header. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** Whether the server may have taken the request: no, where no connection came about. */
  readonly mayHaveArrived: boolean;
  constructor(message: string, mayHaveArrived: boolean) {
    super(message);
    this.mayHaveArrived = mayHaveArrived;
  }
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Requests by Node's own `http` and `https`: they take an authority's certificate for this one client, which `fetch`
 * does not without a package beside it, and they follow no redirect by themselves.
 */
export function createTransport(options: TransportOptions = {}): Transport {
  const httpAgent = new HttpAgent({ keepAlive: true });
  let httpsAgent: Promise<HttpsAgent> | undefined;
  return async (request) => {
    if (request.url.protocol === 'http:') return exchange(requestHttp, httpAgent, request, options);
    httpsAgent ??= secureAgent(options.caFile);
    try {
      return await exchange(requestHttps, await httpsAgent, request, options);
    } catch (error) {
      // The file of the authority may be there, or be a better one, the next time.
      httpsAgent = undefined;
      throw error;
    }
  };
}

async function secureAgent(caFile: string | undefined): Promise<HttpsAgent> {
  if (caFile === undefined) return new HttpsAgent({ keepAlive: true });
  const own = await readFile(caFile, 'utf8').catch((error: unknown) => {
    throw new TransportError(`the authority's file cannot be read: ${messageOf(error)}`, false);
  });
  return new HttpsAgent({ keepAlive: true, ca: [...rootCertificates, own] });
}

function exchange(
  open: typeof requestHttps | typeof requestHttp,
  agent: HttpAgent,
  request: HttpRequest,
  { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES }: TransportOptions,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { method, url, headers, body } = request;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = open(url, { method, agent, headers: { ...headers, ...length } });
    const connection = { isUp: false };
    // Not the option `timeout`: that one starts anew with each byte.
    const late = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: unknown): void => {
      clearTimeout(late);
      reject(new TransportError(messageOf(error), connection.isUp));
    };
    noticeConnection(sent, connection);
    sent.on('error', fail);
    sent.on('response', (answer) => {
      readBody(answer, maxBytes).then((text) => {
        clearTimeout(late);
        resolve({ status: answer.statusCode ?? 0, headers: headersOf(answer), body: text });
      }, fail);
    });
    sent.end(body);
  });
}

function noticeConnection(sent: ClientRequest, connection: { isUp: boolean }): void {
  sent.on('socket', (socket) => {
    const isUp = (): void => {
      connection.isUp = true;
    };
    if (sent.reusedSocket) isUp();
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', isUp);
  });
}

async function readBody(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      answer.destroy();
      throw new Error(`the answer is longer than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function headersOf(answer: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(answer.headersDistinct).map(([name, values]) => [name, values?.[0] ?? ''] as const),
  );
}

/** Errors of several addresses at once (`AggregateError`) have a code and no message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
