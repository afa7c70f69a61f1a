import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a route gets it. */
export interface FakeRequest {
  readonly method: string;
  /** Of the API, without its own path; segments are still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a route answers; a `list` is cut into pages. */
export interface FakeAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly list?: readonly unknown[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** What goes wrong, once. */
export interface Fault {
  /** Requests of this method are hit; any where nothing is said. */
  readonly method?: string;
  /** How many of them pass before; none where nothing is said. */
  readonly after?: number;
  /** Instead of the answer, or the end of the connection. */
  readonly answer: FakeAnswer | 'hang-up';
  /** Whether the request is carried out before. */
  readonly isDone?: boolean;
}

/** A request that the API does not have: the client is wrong, not the world. */
export class Violation extends Error {}

/** A server that answers as an API does, and says what of a client's requests that API does not know. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  /** `METHOD /path`, in order. */
  readonly requests: readonly string[];
  readonly violations: readonly string[];
  /** How many answers were 304. */
  readonly unchanged: () => number;
  fail(fault: Fault): void;
  /** Sent with every answer from now on. */
  readonly extraHeaders: Record<string, string>;
}

/** How a server of an API behaves. */
export interface FakeServerOptions {
  /** Below which all paths are, such as `/api/v4`. */
  readonly basePath: string;
  /** How many entries are on a page, whatever the client wishes. */
  readonly pageSize: number;
  readonly handle: (request: FakeRequest) => FakeAnswer;
}

/** Starts it on loopback. */
export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const faults: Fault[] = [];
  const requests: string[] = [];
  const violations: string[] = [];
  const extraHeaders: Record<string, string> = {};
  let unchanged = 0;
  const answerTo = async (message: IncomingMessage): Promise<FakeAnswer | 'hang-up'> => {
    const request = await readRequest(message, options.basePath);
    requests.push(`${request.method} ${request.path}`);
    const fault = nextFault(faults, request.method);
    if (fault !== undefined && fault.isDone !== true) return fault.answer;
    const answer = options.handle(request);
    return fault?.answer ?? (answer.list === undefined ? answer : pageOf(answer, request, options.pageSize));
  };
  const server = createServer((message, response) => {
    answerTo(message).then(
      (answer) => {
        if (answer === 'hang-up') response.destroy();
        else if (send(response, message, { ...answer, headers: { ...answer.headers, ...extraHeaders } })) {
          unchanged++;
        }
      },
      (error: unknown) => {
        violations.push(String(error));
        send(response, message, { status: 400, body: { message: String(error) } });
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${options.basePath}`,
    requests,
    violations,
    unchanged: () => unchanged,
    fail: (fault) => faults.push(fault),
    extraHeaders,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The one that hits this request, which happens once. */
function nextFault(faults: Fault[], method: string): Fault | undefined {
  const place = faults.findIndex((fault) => (fault.method ?? method) === method);
  const fault = faults[place];
  if (fault === undefined) return undefined;
  const { after = 0 } = fault;
  if (after === 0) return faults.splice(place, 1)[0];
  faults[place] = { ...fault, after: after - 1 };
  return undefined;
}

async function readRequest(message: IncomingMessage, basePath: string): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const { method = '' } = message;
  const url = new URL(message.url ?? '', 'http://fake');
  if (!url.pathname.startsWith(`${basePath}/`))
    throw new Violation(`${url.pathname} is not below ${basePath}`);
  if (text !== '' && message.headers['content-type'] !== 'application/json') throw new Violation('not JSON');
  if ((text === '') !== (method === 'GET')) throw new Violation(`a body does not fit ${method}`);
  return {
    method,
    path: url.pathname.slice(basePath.length),
    query: url.searchParams,
    headers: message.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

function pageOf(answer: FakeAnswer, { path, query }: FakeRequest, pageSize: number): FakeAnswer {
  const page = Number(query.get('page') ?? '1');
  const all = answer.list ?? [];
  const last = Math.max(1, Math.ceil(all.length / pageSize));
  const link = (number: number, rel: string): string => {
    const other = new URLSearchParams(query);
    other.set('page', String(number));
    // As behind a proxy: the forge knows itself by a name that clients cannot reach.
    return `<http://forge.internal.example${path}?${other.toString()}>; rel="${rel}"`;
  };
  const links = [
    ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
    ...(page > 1 ? [link(page - 1, 'prev'), link(1, 'first')] : []),
  ];
  const body = all.slice((page - 1) * pageSize, page * pageSize);
  return { ...answer, body, headers: links.length === 0 ? {} : { link: links.join(', ') } };
}

/** Returns whether the client has it already. */
function send(response: ServerResponse, message: IncomingMessage, answer: FakeAnswer): boolean {
  const body = answer.body === undefined ? '' : JSON.stringify(answer.body);
  const tag = createHash('sha256')
    .update(`${body}${answer.headers?.['link'] ?? ''}`)
    .digest('hex');
  const etag: Record<string, string> =
    message.method === 'GET' && answer.status === 200 ? { etag: `W/"${tag}"` } : {};
  const isKnown = etag['etag'] !== undefined && message.headers['if-none-match'] === etag['etag'];
  const type = { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(isKnown ? 304 : answer.status, { ...type, ...etag, ...answer.headers });
  response.end(isKnown ? undefined : body);
  return isKnown;
}
