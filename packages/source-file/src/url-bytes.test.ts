import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SourceError } from '@leastwise/source';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openFileSource } from './file-source.ts';
import { runScript } from './testing/compiled.ts';
import { content, drain, fixture, Reading, temporaryFolder, until } from './testing/fixtures.ts';

const servers: (Server & { closeAllConnections(): void })[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener, tls = false): Promise<string> {
  const server = tls
    ? createTlsServer({ key: await fixture('server.key'), cert: await fixture('server.pem') }, listener)
    : createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return `${tls ? 'https' : 'http'}://127.0.0.1:${String(port)}`;
}

async function failure(url: string, urlIdleMs = 10_000): Promise<string> {
  const source = await openFileSource({ inputs: [url], urlIdleMs });
  const error = await drain(source).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SourceError);
  return (error as SourceError).message;
}

describe('openFileSource: URLs', () => {
  it('reads the body, decompressed by its first bytes, and knows the total once it is told', async () => {
    const packed = gzipSync(content());
    const url = await serve((_request, response) => {
      response.setHeader('Content-Length', packed.length);
      response.end(packed);
    });
    const source = await openFileSource({ inputs: [`${url}/audit.log`] });
    expect(source.progress().totalBytes).toBeUndefined();
    const [only] = await drain(source);
    expect(only?.bytes.equals(content())).toBe(true);
    expect(source.progress()).toEqual({ readBytes: packed.length, totalBytes: packed.length });
  });

  it.each([404, 403, 500, 204, 206])('refuses %i, naming it', async (status) => {
    const url = await serve((_request, response) => {
      response.statusCode = status;
      response.end();
    });
    expect(await failure(`${url}/a`)).toBe(`${url}/a: the server answered ${String(status)}`);
  });

  it('follows a few redirects, relative ones too, and not more', async () => {
    const url = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) {
        response.end('there');
        return;
      }
      response.writeHead(302, { Location: `/${String(left - 1)}` }).end();
    });
    const [only] = await drain(await openFileSource({ inputs: [`${url}/5`] }));
    expect(only?.bytes.toString()).toBe('there');
    expect(await failure(`${url}/6`)).toContain('more than 5 redirects');
  });

  it('sends user and password to their own origin only, and never shows them nor the query', async () => {
    const seen: (string | undefined)[] = [];
    const note = (request: IncomingMessage): void => {
      seen.push(request.headers.authorization);
    };
    const other = await serve((request, response) => {
      note(request);
      response.statusCode = 404;
      response.end();
    });
    const url = await serve((request, response) => {
      note(request);
      const location = request.url === '/a?token=secret' ? '/b' : `${other}/c?token=secret`;
      response.writeHead(307, { Location: location }).end();
    });
    const message = await failure(`${url.replace('://', '://user:secret@')}/a?token=secret`);
    expect(message).not.toContain('secret');
    const basic = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    expect(seen).toEqual([basic, basic, undefined]);
  });

  it('refuses a redirect to another protocol', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(302, { Location: 'file:///etc/passwd' }).end();
    });
    expect(await failure(url)).toContain('refused the redirect to file://');
  });

  it('a body that ends early: the bytes before, then the damage', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('Content-Length', content().length * 2);
      response.write(content(), () => {
        setTimeout(() => response.destroy(), 30);
      });
    });
    const source = await openFileSource({ inputs: [url] });
    const reading = new Reading(source, async () => {
      // A slow reader: the failure comes while bytes are still buffered.
      await new Promise((resolve) => setTimeout(resolve, 10));
    });
    await until('the origin ended', () => reading.chunks.at(-1)?.endsOrigin === true);
    await reading.stop();
    expect(reading.text()).toBe(`${content().toString()}|`);
    expect(reading.chunks.at(-1)?.damage).toContain('stopped early');
  });

  it('gives up on a server that is silent, before and within the body', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/body') response.write('a');
    });
    expect(await failure(url, 50)).toContain('no byte for 50 ms');
    const [only] = await drain(await openFileSource({ inputs: [`${url}/body`], urlIdleMs: 50 }));
    expect(only?.bytes.toString()).toBe('a');
    expect(only?.damage).toBeDefined();
  });

  it('ends promptly when aborted while the server is silent', async () => {
    let asked = 0;
    const url = await serve(() => {
      asked += 1;
    });
    const reading = new Reading(await openFileSource({ inputs: [url] }));
    await until('the server was asked', () => asked === 1);
    await reading.stop();
    expect(reading.chunks).toEqual([]);
  });

  it('names a server that is not there', async () => {
    const url = await serve(() => undefined);
    servers[0]?.close();
    expect(await failure(url)).toContain('ECONNREFUSED');
  });
});

describe('openFileSource: https', () => {
  it('refuses a certificate that nobody vouches for, whatever the environment says', async () => {
    let asked = 0;
    const url = await serve(() => {
      asked += 1;
    }, true);
    expect(await failure(url)).toContain('certificate');
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await failure(url)).toContain('certificate');
    expect(asked).toBe(0);
  });

  it('reads from a server whose authority is trusted, and never follows from https to http', async () => {
    const plain = await serve((_request, response) => response.end('plain'));
    const url = await serve((request, response) => {
      if (request.url === '/down') response.writeHead(302, { Location: plain }).end();
      else response.end('over TLS');
    }, true);
    await using folder = await temporaryFolder();
    const script = await runScript(
      folder.path,
      `import { openFileSource } from '@leastwise/source-file';
      for (const path of ['/up', '/down']) {
        try {
          const source = await openFileSource({ inputs: ['${url}' + path] });
          for await (const { bytes } of source.chunks(new AbortController().signal)) process.stdout.write(bytes);
        } catch (error) {
          console.log('|' + error.code + ' ' + error.message);
        }
      }`,
      { NODE_EXTRA_CA_CERTS: new URL('../testdata/ca.pem', import.meta.url).pathname },
    );
    expect(await script.ended).toBe(0);
    expect(script.output()).toBe(`over TLS|LW_SOURCE ${url}/down: refused the redirect to http://\n`);
  });
});
