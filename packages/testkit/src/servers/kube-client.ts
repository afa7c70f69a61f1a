import { Agent, request } from 'node:https';

/** One HTTP request as an API server sees it. */
export interface KubeRequest {
  readonly method: string;
  /** With query, escaped. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Breaks the response off after this time, in milliseconds: a watch never ends by itself. */
  readonly endAfterMs?: number;
}

/** Its answer; `body` is parsed where it is JSON. */
export interface KubeResponse {
  readonly status: number;
  readonly text: string;
  readonly body: unknown;
}

/** Raw HTTPS to an API server under one identity; nothing is retried or cached. */
export class KubeClient {
  readonly #agent: Agent;
  readonly #url: URL;
  readonly #token: string;

  /** @param credentials - a token, `''` for an anonymous client, or a client certificate in PEM */
  constructor(
    url: string,
    ca: string,
    credentials: string | { readonly cert: string; readonly key: string },
  ) {
    this.#url = new URL(url);
    const certificate = typeof credentials === 'string' ? {} : credentials;
    this.#agent = new Agent({ ca, ...certificate, keepAlive: true, maxSockets: 16 });
    this.#token = typeof credentials === 'string' ? credentials : '';
  }

  /** Sends one request. @throws Error of the connection, never of a status */
  send({ method, path, body, headers = {}, endAfterMs }: KubeRequest): Promise<KubeResponse> {
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.#agent,
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path,
          headers: {
            accept: 'application/json',
            // Node tells no length of a DELETE's body by itself.
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          const done = (): void => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ status: response.statusCode ?? 0, text, body: parsed(text) });
          };
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', done);
          // What `endAfterMs` breaks off never ends.
          response.on('close', done);
          if (endAfterMs !== undefined) setTimeout(() => response.destroy(), endAfterMs);
        },
      );
      // A successful upgrade: WebSocket or SPDY.
      outgoing.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 101, text: '', body: undefined });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
