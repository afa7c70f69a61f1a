import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Whether something is well. One that throws, or has not answered after two seconds, is not. */
export type HealthCheck = () => boolean | Promise<boolean>;

/** The checks of a service, by name. Names are public. */
export interface HealthChecks {
  /** What only a restart mends: a failing one gets the process killed. */
  readonly live?: Readonly<Record<string, HealthCheck>>;
  /** What the service waits for. */
  readonly ready?: Readonly<Record<string, HealthCheck>>;
}

/** How a health server is started. */
export interface HealthOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly checks: HealthChecks;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  /** Is told why a scrape failed. */
  readonly log?: Pick<Log, 'error'>;
}

/** A running health server; disposing it closes its connections. */
export interface HealthServer extends AsyncDisposable {
  /** Where it listens, with the port that was taken. */
  readonly address: { readonly host: string; readonly port: number };
}

const CHECK_TIMEOUT_MS = 2000;
const REQUEST_TIMEOUT_MS = 5000;
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 100;

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Serves `/healthz` (200 while alive), `/readyz` (200 when ready; both else 503 with the names of what
 * fails) and `/metrics` to GET and HEAD.
 * @throws Error if it cannot listen, as node:http says it.
 */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      void answer(options, request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  // A connection that cannot be accepted is no reason to die.
  server.on('error', (error) => options.log?.error('health server failed', { err: error }));
  return { address: addressOf(server, options), [Symbol.asyncDispose]: () => close(server) };
}

async function answer(
  options: HealthOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A body is of no use here.
  request.resume();
  let reply: Reply;
  try {
    reply = await replyTo(options, request);
  } catch (error) {
    options.log?.error('metrics could not be collected', { err: error });
    reply = text(500, 'metrics could not be collected\n');
  }
  const headers = {
    'content-length': Buffer.byteLength(reply.body),
    'cache-control': 'no-store',
    ...reply.headers,
  };
  // To HEAD, node:http sends no body.
  response.writeHead(reply.status, headers).end(reply.body);
}

async function replyTo(options: HealthOptions, request: IncomingMessage): Promise<Reply> {
  const { checks, metrics } = options;
  const path = request.url?.split('?', 1)[0];
  if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') return text(404, 'not found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return text(405, 'method not allowed\n', { allow: 'GET, HEAD' });
  }
  switch (path) {
    case '/healthz':
      return health(checks.live ?? {});
    case '/readyz':
      return health(checks.ready ?? {});
    case '/metrics':
      return text(200, await metrics.text(), { 'content-type': metrics.contentType });
  }
}

async function health(checks: Readonly<Record<string, HealthCheck>>): Promise<Reply> {
  const names = Object.keys(checks).sort();
  const results = await Promise.all(names.map((name) => isWell(checks[name])));
  const failing = names.filter((_, index) => results[index] !== true);
  const body = JSON.stringify({ status: failing.length === 0 ? 'ok' : 'failing', failing });
  return text(failing.length === 0 ? 200 : 503, `${body}\n`, { 'content-type': 'application/json' });
}

async function isWell(check: HealthCheck | undefined): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve(check?.() ?? true), timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } };
}

function addressOf(server: Server, { host, port }: HealthOptions): HealthServer['address'] {
  const address = server.address();
  return typeof address === 'object' && address !== null
    ? { host: address.address, port: address.port }
    : { host, port };
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
