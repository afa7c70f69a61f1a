import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { TestCertificates } from '@leastwise/testkit';

/** A git server over https, as a forge has one: git's own, behind a door that asks for a token. */
export interface GitHttpsServer {
  /** Of the repository. */
  readonly url: string;
  /** The `Authorization` header of each request so far; `''` for none. */
  readonly authorizations: string[];
  /** How it behaves from now on. */
  ways: GitHttpsWays;
  stop(): Promise<void>;
}

/** How a server behaves. */
export interface GitHttpsWays {
  /** `user:token` that it lets in. */
  readonly basic: string;
  /** Answers by this status, to those who are let in. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers nothing. */
  readonly isSilent?: boolean;
  /** Speaks the protocol of before 2018, as proxies make it that drop the header. */
  readonly isOld?: boolean;
  /** Capabilities that it does not have. */
  readonly lacks?: readonly string[];
}

/** Serves one bare repository below `/team/policies.git`. */
export async function startGitHttps(
  repository: string,
  certificates: TestCertificates,
  ways: GitHttpsWays,
): Promise<GitHttpsServer> {
  const { cert, key } = certificates.server;
  const server = createServer({ cert, key }, (request, response) => {
    const authorization = request.headers.authorization ?? '';
    running.authorizations.push(authorization);
    const { basic, status, headers, isSilent = false } = running.ways;
    if (isSilent) return;
    const isLetIn = authorization === `Basic ${Buffer.from(basic).toString('base64')}`;
    if (!isLetIn) response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    else if (status !== undefined) response.writeHead(status, headers).end(`no: ${authorization}`);
    else serve(repository, { request, response, ways: running.ways });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const running: GitHttpsServer = {
    url: `https://localhost:${String(port)}/team/policies.git`,
    authorizations: [],
    ways,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return running;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ways: GitHttpsWays;
}

/** Hands a request to `git http-backend`. @see https://git-scm.com/docs/git-http-backend */
function serve(repository: string, { request, response, ways }: Exchange): void {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const { 'content-type': type, 'content-encoding': encoding, 'git-protocol': protocol } = request.headers;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      HOME: repository,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: repository,
      PATH_INFO: url.pathname.replace(/^\/team\/policies\.git/, ''),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      ...(type === undefined ? {} : { CONTENT_TYPE: type }),
      ...(encoding === undefined ? {} : { HTTP_CONTENT_ENCODING: encoding }),
      ...(typeof protocol === 'string' && ways.isOld !== true ? { GIT_PROTOCOL: protocol } : {}),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.once('close', () => {
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf('\r\n\r\n');
    const lines = whole.toString('latin1', 0, end).split('\r\n');
    const headers = lines.map((line) => line.split(': ', 2) as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers));
    response.end(
      without(whole.subarray(end + 4), url.pathname.endsWith('/info/refs') ? (ways.lacks ?? []) : []),
    );
  });
}

/** Makes capabilities unknown ones; of the same length, as lines are counted. */
function without(body: Buffer, capabilities: readonly string[]): Buffer {
  const text = capabilities.reduce(
    (left, name) => left.replaceAll(name, name.replace(/.$/, '#')),
    body.toString('latin1'),
  );
  return Buffer.from(text, 'latin1');
}
