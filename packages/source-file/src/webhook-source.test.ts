import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SourceError } from '@leastwise/source';
import type { SourceChunk } from '@leastwise/source';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { runScript } from './testing/compiled.ts';
import { fixture, Reading, temporaryFolder, until } from './testing/fixtures.ts';
import { openWebhookSource } from './webhook-source.ts';
import type { WebhookSource, WebhookSourceOptions } from './webhook-source.ts';

const open: WebhookSource[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.close()));
});

async function listen(options: Partial<WebhookSourceOptions> = {}): Promise<WebhookSource> {
  const source = await openWebhookSource({ host: '127.0.0.1', port: 0, ...options });
  open.push(source);
  return source;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: { ca: Buffer; cert?: Buffer; key?: Buffer };
}

/** Sends one request on a connection of its own. Rejects where no answer comes. */
async function send(
  source: { readonly url: string },
  body: string | Uint8Array,
  sent: Sent = {},
): Promise<Answer> {
  const url = new URL(sent.path ?? '/audit', source.url);
  const options = { method: sent.method ?? 'POST', headers: sent.headers ?? {}, agent: false as const };
  return await new Promise<Answer>((resolve, reject) => {
    const request =
      sent.tls === undefined ? httpRequest(url, options) : httpsRequest(url, { ...options, ...sent.tls });
    request.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Reads and acknowledges each body at once. */
function consume(source: WebhookSource): Reading {
  return new Reading(source, async ({ position }) => {
    await source.acknowledge(position);
  });
}

describe('openWebhookSource: taking bodies', () => {
  it('each body is one origin and one chunk, and 200 comes only when it is acknowledged', async () => {
    const source = await listen();
    const reading = new Reading(source);
    const answers: number[] = [];
    const sending = ['{"items":[1]}', '{"items":[2]}', '{"items":[3]}'].map(async (body, i) => {
      await until('the one before was taken', () => reading.chunks.length === i);
      const { status } = await send(source, body);
      answers.push(status);
    });
    await until('all three were taken', () => reading.chunks.length === 3);
    expect(reading.text()).toBe('{"items":[1]}|{"items":[2]}|{"items":[3]}|');
    expect(new Set(reading.chunks.map(({ origin }) => origin)).size).toBe(3);
    expect(reading.chunks[0]?.origin).toBe('webhook 127.0.0.1 #1');
    expect(answers).toEqual([]);
    await source.acknowledge(2);
    await until('two were answered', () => answers.length === 2);
    await source.acknowledge(3);
    await Promise.all(sending);
    expect(answers).toEqual([200, 200, 200]);
    expect(source.progress()).toEqual({ readBytes: 39, totalBytes: undefined });
    await reading.stop();
  });

  it('takes what the API server sends: a timeout in the query, gzip, any splitting', async () => {
    const source = await listen();
    const reading = consume(source);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100_000 }), fc.boolean(), async (body, packed) => {
        const headers = packed ? { 'content-encoding': 'gzip' } : {};
        const { status } = await send(source, packed ? gzipSync(body) : body, {
          path: '/?timeout=30s',
          headers,
        });
        expect(status).toBe(200);
        expect(Buffer.from(reading.chunks.at(-1)?.bytes ?? []).equals(body)).toBe(true);
      }),
      { numRuns: 30 },
    );
    await reading.stop();
  });

  it('refuses acknowledgements out of order', async () => {
    const source = await listen();
    await expect(source.acknowledge(1)).rejects.toThrow(RangeError);
  });

  it('answers health, and other paths, methods, encodings and browsers with what they are', async () => {
    const source = await listen();
    const status = async (sent: Sent): Promise<number> => (await send(source, '', sent)).status;
    expect(await status({ method: 'GET', path: '/healthz' })).toBe(200);
    expect(await status({ method: 'POST', path: '/healthz' })).toBe(405);
    expect(await status({ path: '/elsewhere' })).toBe(404);
    expect(await status({ method: 'GET', path: '/' })).toBe(405);
    expect(await status({ headers: { 'content-encoding': 'br' } })).toBe(415);
    expect(await status({ headers: { origin: 'https://example.com' } })).toBe(403);
    expect((await send(source, '', { method: 'PUT' })).headers.allow).toBe('POST');
    expect((await send(source, 'not gzip', { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
    const cut = gzipSync('x'.repeat(1000)).subarray(0, 20);
    expect((await send(source, cut, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  });
});

describe('openWebhookSource: bounds', () => {
  it('413 for a body that is too large: announced, in chunks, or after decompression', async () => {
    const source = await listen({ maxBodyBytes: 1000 });
    const reading = consume(source);
    const large = 'x'.repeat(1001);
    expect((await send(source, large)).status).toBe(413);
    const chunked = { headers: { 'transfer-encoding': 'chunked' } };
    expect((await send(source, large, chunked)).status).toBe(413);
    // Most of this one is still to be sent when it is refused: the sender must see why, not a reset connection.
    expect((await send(source, Buffer.alloc(32 << 20), chunked)).status).toBe(413);
    expect((await send(source, Buffer.alloc(32 << 20))).status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(500_000));
    expect(bomb.length).toBeLessThan(1000);
    expect((await send(source, bomb, { headers: { 'content-encoding': 'gzip' } })).status).toBe(413);
    expect((await send(source, large.slice(1))).status).toBe(200);
    await reading.stop();
    expect(reading.chunks).toHaveLength(1);
  });

  it('tells of batches that it refused, with their size and what to do, and not for each of them', async () => {
    const told: string[] = [];
    const source = await listen({
      maxBodyBytes: 1 << 20,
      maxQueuedBytes: 3 << 20,
      warn: (text) => told.push(text),
    });
    const large = Buffer.alloc(3 << 19);
    for (let i = 0; i < 5; i += 1) expect((await send(source, large)).status).toBe(413);
    expect(told).toEqual([
      expect.stringMatching(
        /^refused a batch of 1\.5 MiB from 127\.0\.0\.1: at most 1\.0 MiB .* lost.*--audit-webhook-truncate-enabled.*--audit-webhook-batch-max-size/,
      ),
    ]);
    const waiting = [0, 1].map(() => send(source, Buffer.alloc(1 << 20)));
    await until('two are held', () => source.progress().readBytes === 2 << 20);
    for (let i = 0; i < 5; i += 1) expect((await send(source, Buffer.alloc(1 << 20))).status).toBe(429);
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/^asked 127\.0\.0\.1 to send a batch again: 3\.0 MiB/),
    ]);
    await source.close();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([503, 503]);
  });

  it('429 with Retry-After when the queue is full, and the retries lose and repeat nothing', async () => {
    const source = await listen({ maxQueuedBytes: 3 * 2048 });
    const body = (i: number): string => `{"items":[${String(i)}]}`.padEnd(1024);
    const refused: Answer[] = [];
    const deliver = async (i: number): Promise<void> => {
      const headers: Record<string, string> = i % 2 === 0 ? {} : { 'transfer-encoding': 'chunked' };
      for (;;) {
        const answer = await send(source, body(i), { headers });
        if (answer.status === 200) return;
        refused.push(answer);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const sending = Promise.all(Array.from({ length: 20 }, (_, i) => deliver(i)));
    await until('some were refused', () => refused.length > 20);
    // Only what has room is held while nothing is acknowledged.
    const reading = new Reading(source);
    await until('three were taken', () => reading.chunks.length === 3);
    expect(reading.chunks).toHaveLength(3);
    let acknowledged = 0;
    await until('all are read', async () => {
      const last = reading.chunks.at(-1)?.position ?? 0;
      if (last > acknowledged) await source.acknowledge((acknowledged = last));
      return reading.chunks.length === 20;
    });
    await source.acknowledge(20);
    await sending;
    await reading.stop();
    expect(reading.chunks.map(({ bytes }) => Buffer.from(bytes).toString()).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => body(i)).sort(),
    );
    expect(refused.every(({ status, headers }) => status === 429 && headers['retry-after'] === '1')).toBe(
      true,
    );
  });

  it('takes a body larger than the queue when it is alone, for it would never have room', async () => {
    const source = await listen({ maxQueuedBytes: 100 });
    const reading = consume(source);
    expect((await send(source, 'x'.repeat(10_000))).status).toBe(200);
    await reading.stop();
  });

  it('cuts off a sender that trickles, and gives its room back', async () => {
    const source = await listen({ maxQueuedBytes: 2000, requestTimeoutMs: 100 });
    const reading = consume(source);
    const slow = connect(source.address.port, '127.0.0.1');
    let closed = false;
    slow.on('error', () => undefined).on('close', () => (closed = true));
    slow.resume();
    slow.write(`POST /audit HTTP/1.1\r\nHost: x\r\nContent-Length: 1900\r\n\r\n${'x'.repeat(1000)}`);
    await until('the sender was cut off', () => closed);
    expect((await send(source, 'y'.repeat(900))).status).toBe(200);
    expect(reading.text()).toBe(`${'y'.repeat(900)}|`);
    await reading.stop();
  });
});

describe('openWebhookSource: ends', () => {
  it('503 with Retry-After for all that is not acknowledged when it closes; nobody saw 200', async () => {
    const source = await listen();
    const reading = new Reading(source);
    const answers = [send(source, 'one'), send(source, 'two')];
    await until('both were taken', () => reading.chunks.length === 2);
    // The consumer dies here: it took the bodies and stored nothing.
    await reading.stop();
    const third = send(source, 'three');
    await until('the third arrived', () => source.progress().readBytes === 11);
    await source.close();
    for (const { status, headers } of await Promise.all([...answers, third])) {
      expect([status, headers['retry-after']]).toEqual([503, '1']);
    }
    await source.close();
  });

  it('acknowledged after the abort, before the close: still 200', async () => {
    const source = await listen();
    const reading = new Reading(source);
    const answer = send(source, 'one');
    await until('it was taken', () => reading.chunks.length === 1);
    await reading.stop();
    await source.acknowledge(1);
    expect((await answer).status).toBe(200);
  });

  it('a consumer that is killed before it acknowledges: the client never sees 200', async () => {
    await using folder = await temporaryFolder();
    const script = await runScript(
      folder.path,
      `import { openWebhookSource } from '@leastwise/source-file';
      const source = await openWebhookSource({ host: '127.0.0.1', port: 0 });
      console.log(JSON.stringify(source.url));
      for await (const chunk of source.chunks(new AbortController().signal)) console.log('took ' + chunk.position);`,
    );
    await until('it listens', () => script.output().includes('\n'));
    const url = new URL(String(JSON.parse(script.output().split('\n')[0] ?? '')));
    const answer = new Promise<string>((resolve) => {
      const request = httpRequest(url, { method: 'POST', agent: false }, (response) => {
        resolve(`answered ${String(response.statusCode)}`);
      });
      request.on('error', () => {
        resolve('no answer');
      });
      request.end('{"items":[]}');
    });
    await until('the body was taken', () => script.output().includes('took 1'));
    script.process.kill('SIGKILL');
    expect(await script.ended).toBe('SIGKILL');
    expect(await answer).toBe('no answer');
  });

  it('ends promptly when aborted while nothing comes', async () => {
    const reading = new Reading(await listen());
    await reading.stop();
    expect(reading.chunks).toEqual([] satisfies SourceChunk[]);
  });
});

describe('openWebhookSource: where it listens', () => {
  it('refuses plain HTTP on anything but loopback', async () => {
    for (const host of ['0.0.0.0', '::', 'example.com', '192.0.2.1']) {
      await expect(openWebhookSource({ host, port: 0 })).rejects.toThrow(SourceError);
    }
  });

  it('names an address that is taken', async () => {
    const { address } = await listen();
    const second = openWebhookSource({ host: '127.0.0.1', port: address.port });
    await expect(second).rejects.toThrow(/cannot listen on 127.0.0.1:\d+: .*EADDRINUSE/);
  });

  it('refuses a certificate that is none', async () => {
    const tls = { cert: 'no', key: 'no' };
    await expect(openWebhookSource({ host: '127.0.0.1', port: 0, tls })).rejects.toThrow(SourceError);
  });

  it('with TLS and a client authority, lets in who it vouches for and nobody else', async () => {
    const [cert, key, ca] = await Promise.all(['server.pem', 'server.key', 'ca.pem'].map(fixture));
    if (cert === undefined || key === undefined || ca === undefined) throw new Error('no fixtures');
    const source = await listen({ host: '0.0.0.0', tls: { cert, key, clientCa: ca } });
    const reading = consume(source);
    const client = { cert: await fixture('client.pem'), key: await fixture('client.key') };
    const at = { url: source.url.replace('0.0.0.0', '127.0.0.1') };
    expect(at.url).toMatch(/^https:/);
    await expect(send(at, 'stranger', { tls: { ca } })).rejects.toThrow();
    expect((await send(at, 'friend', { tls: { ca, ...client } })).status).toBe(200);
    expect(reading.text()).toBe('friend|');
    await reading.stop();
  });
});
