import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { AddressInfo } from 'node:net';
import { SourceError } from '@leastwise/source';
import type { AuditSource, SourceChunk } from '@leastwise/source';
import { ABORTED, orAborted } from './abort.ts';
import { Notices } from './notices.ts';
import { messageOf } from './raw-bytes.ts';
import { readBody } from './webhook-body.ts';
import { WebhookQueue } from './webhook-queue.ts';

/** Certificate and key as PEM text. */
export interface WebhookTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Only clients with a certificate of this authority are let in. */
  readonly clientCa?: string | Buffer;
}

/** Where a webhook source listens, and its bounds. */
export interface WebhookSourceOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without it only a loopback address is accepted. */
  readonly tls?: WebhookTls;
  /** The largest body, before and after decompression; 64 MiB where it is not given. */
  readonly maxBodyBytes?: number;
  /** How much may be held that is not acknowledged; 256 MiB where it is not given. */
  readonly maxQueuedBytes?: number;
  /** How long a request may take to arrive whole, in milliseconds; 60 000 where it is not given. */
  readonly requestTimeoutMs?: number;
  /** Is told of bodies that are refused, at most once a minute for each reason. */
  readonly warn?: (text: string) => void;
}

/** A webhook source, and where it listens. */
export interface WebhookSource extends AuditSource {
  readonly address: { readonly host: string; readonly port: number };
  /** What the kubeconfig of the webhook names as its server. */
  readonly url: string;
}

const BODY_PATHS: ReadonlySet<string> = new Set(['/', '/audit']);
const HEALTH_PATH = '/healthz';
const RETRY_SECONDS = 1;
/** How long a sender in the middle of its body has before it is cut off at the end. */
const CLOSE_GRACE_MS = 2000;

/**
 * A source that is the receiver of a Kubernetes audit webhook
 * (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend). POST to `/` or `/audit`; each
 * body is one chunk and one origin. GET `/healthz` answers 200.
 *
 * A sender hears 200 only when `acknowledge` has covered its body. The API server waits 30 seconds and then sends
 * it again, so acknowledge at least as often; what comes twice has one request identity. Where there is no room, the
 * answer is 429 with Retry-After, and nothing of the body was taken. What is not acknowledged when the source is
 * closed is answered 503 with Retry-After.
 *
 * Requests of browsers (with an Origin header) are refused, so that no page can post events to a local port.
 *
 * @throws SourceError where the address cannot be bound, the certificate or key cannot be used, or plain HTTP
 *   would be reachable from other machines.
 */
export async function openWebhookSource(options: WebhookSourceOptions): Promise<WebhookSource> {
  if (options.tls === undefined && !isLoopback(options.host)) {
    throw new SourceError(
      `${options.host}: plain HTTP is only offered on a loopback address; give a TLS certificate`,
    );
  }
  const receiver = new Receiver(options);
  await receiver.listen(options.host, options.port);
  return receiver;
}

class Receiver implements WebhookSource {
  readonly #queue: WebhookQueue;
  readonly #server: Server;
  readonly #closing = new AbortController();
  readonly #maxBodyBytes: number;
  readonly #maxQueuedBytes: number;
  readonly #notices: Notices;
  readonly #scheme: 'http' | 'https';
  #bound = { host: '', port: 0 };
  #requests = 0;

  constructor({ tls, maxBodyBytes, maxQueuedBytes, requestTimeoutMs, warn }: WebhookSourceOptions) {
    this.#maxQueuedBytes = maxQueuedBytes ?? 256 << 20;
    this.#queue = new WebhookQueue(this.#maxQueuedBytes);
    this.#maxBodyBytes = maxBodyBytes ?? 64 << 20;
    this.#notices = new Notices(warn ?? (() => undefined));
    this.#scheme = tls === undefined ? 'http' : 'https';
    const requestTimeout = requestTimeoutMs ?? 60_000;
    const limits = {
      requestTimeout,
      headersTimeout: Math.min(10_000, requestTimeout),
      connectionsCheckingInterval: Math.min(1000, requestTimeout),
      keepAliveTimeout: 30_000,
    };
    this.#server = tls === undefined ? createHttpServer(limits) : tlsServer(tls, limits);
    this.#server.maxConnections = 512;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#handle(request, response);
    });
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(new SourceError(`cannot listen on ${host}:${String(port)}: ${messageOf(cause)}`, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    // A TCP server's address is never a path.
    const { address, port: boundPort } = this.#server.address() as AddressInfo;
    this.#bound = { host: address, port: boundPort };
    if (this.#scheme === 'https' || isLoopback(address)) return;
    await this.close();
    throw new SourceError(`${host} is ${address}: plain HTTP is only offered on a loopback address`);
  }

  get address(): { host: string; port: number } {
    return this.#bound;
  }

  get url(): string {
    const { host, port } = this.#bound;
    return `${this.#scheme}://${isIPv6(host) ? `[${host}]` : host}:${String(port)}/audit`;
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    while (!either.aborted) {
      const chunk = this.#queue.next();
      if (chunk !== undefined) yield chunk;
      else if ((await orAborted(this.#queue.more(), either)) === ABORTED) return;
    }
  }

  async acknowledge(position: number): Promise<void> {
    this.#queue.acknowledge(position);
    await Promise.resolve();
  }

  progress(): { readBytes: number; totalBytes: undefined } {
    return { readBytes: this.#queue.receivedBytes, totalBytes: undefined };
  }

  /** Resolves when the last answer is sent, and no later than two seconds on. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#queue.abandon();
    const late = setTimeout(() => {
      this.#server.closeAllConnections();
    }, CLOSE_GRACE_MS);
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    clearTimeout(late);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Errors of a connection end it; what was taken stays in the queue, and the sender sends it again.
    response.on('error', () => undefined);
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      answer(request, response, ...refusal);
      return;
    }
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > this.#maxBodyBytes) {
      this.#refuseTooLarge(request, response, length);
      return;
    }
    const room = this.#queue.reserve(length);
    if (room === undefined) {
      this.#refuseForNow(request, response);
      return;
    }
    const result = await readBody(request, room, this.#maxBodyBytes);
    if (result.kind === 'taken' && !this.#closing.signal.aborted) {
      this.#requests += 1;
      const settle = (durable: boolean): void => {
        room.release();
        if (durable) answer(request, response, 200, 'stored');
        else answer(request, response, 503, 'closing');
      };
      const origin = `webhook ${senderOf(request)} #${String(this.#requests)}`;
      this.#queue.add({ origin, body: result.body, settle });
      return;
    }
    room.release();
    switch (result.kind) {
      case 'taken':
        answer(request, response, 503, 'closing');
        return;
      case 'too-large':
        this.#refuseTooLarge(request, response, 0);
        return;
      case 'full':
        this.#refuseForNow(request, response);
        return;
      case 'bad-encoding':
        answer(request, response, 415, result.detail);
        return;
      case 'gone':
        response.destroy();
        return;
      default:
        result satisfies never;
    }
  }

  /** @param announced - how long the sender said that the body is; 0 where it did not, or it was compressed */
  #refuseTooLarge(request: IncomingMessage, response: ServerResponse, announced: number): void {
    answer(request, response, 413, 'the body is too large');
    const size = announced > 0 ? `of ${mebibytes(announced)}` : 'that became too large';
    this.#notices.say(
      'too-large',
      `refused a batch ${size} from ${senderOf(request)}: at most ${mebibytes(this.#maxBodyBytes)} are taken. ` +
        'The API server gives such a batch up after five tries, and its events are lost. Give it the flag ' +
        '--audit-webhook-truncate-enabled, which leaves out large bodies, or a smaller --audit-webhook-batch-max-size',
    );
  }

  #refuseForNow(request: IncomingMessage, response: ServerResponse): void {
    answer(request, response, 429, 'the queue is full');
    this.#notices.say(
      'full',
      `asked ${senderOf(request)} to send a batch again: ${mebibytes(this.#maxQueuedBytes)} wait to be stored. ` +
        'Nothing is lost yet, but the API server gives a batch up that is refused for long',
    );
  }

  /** Status and reason for what is answered without a look at the body. */
  #refusal(request: IncomingMessage): [status: number, text: string] | undefined {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path === HEALTH_PATH) {
      if (request.method === 'GET' || request.method === 'HEAD') return [200, 'ok'];
      return [405, 'GET'];
    }
    if (!BODY_PATHS.has(path)) return [404, 'POST to /audit'];
    if (request.method !== 'POST') return [405, 'POST'];
    if (request.headers.origin !== undefined) return [403, 'not for browsers'];
    if (this.#closing.signal.aborted) return [503, 'closing'];
    return undefined;
  }
}

/**
 * Answers, and lets what is left of the body flow away, within the time that a request may take: closing at once
 * would reset the connection, and a sender that is still writing would never see the status. So where the connection
 * ends with the answer, the answer waits for the body's end.
 */
function answer(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  if (response.destroyed || response.headersSent) return;
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (status === 405) response.setHeader('Allow', text);
  if (status === 429 || status === 503) response.setHeader('Retry-After', String(RETRY_SECONDS));
  if (status === 503) response.setHeader('Connection', 'close');
  const end = (): void => {
    response.end(`${text}\n`);
  };
  request.resume();
  if (request.complete || (response.shouldKeepAlive && status !== 503)) end();
  else request.once('end', end);
}

function senderOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? 'sender';
}

function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

function tlsServer({ cert, key, clientCa }: WebhookTls, limits: object): Server {
  try {
    return createHttpsServer({
      ...limits,
      cert,
      key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: 10_000,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
    });
  } catch (cause) {
    throw new SourceError(`the webhook's certificate or key cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost';
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
