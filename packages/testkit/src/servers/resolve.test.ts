import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

import { describe, expect, it, vi } from 'vitest';

import { lacksRedis } from './resolve.ts';
import { dockerAnswers } from './resolve-docker.ts';

describe('a server that cannot be had', () => {
  it('is a loud skip for a person and a failure in CI', async () => {
    // Not a line of this run's own report.
    vi.stubEnv('LEASTWISE_TEST_SERVERS_REPORT', '');
    vi.stubEnv('REDIS_SERVER_BIN', '/nowhere/redis-server');
    vi.stubEnv('CI', '');
    expect(await lacksRedis()).toBe(true);
    vi.stubEnv('CI', 'true');
    await expect(lacksRedis()).rejects.toThrow('redis is missing');
    vi.unstubAllEnvs();
  });
});

describe('whether Docker answers', () => {
  it('is no where nobody listens, and no after a second of silence', async () => {
    expect(await dockerAnswers('unix:///nowhere/docker.sock')).toBe(false);
    expect(await dockerAnswers('not a URL')).toBe(false);
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    expect(await dockerAnswers(`tcp://127.0.0.1:${port}`)).toBe(false);
    silent.close();
  });

  it('is yes where a daemon answers the ping', async () => {
    const daemon = createHttpServer((request, response) => {
      response.writeHead(request.url === '/_ping' ? 200 : 404).end('OK');
    });
    daemon.listen(0, '127.0.0.1');
    await once(daemon, 'listening');
    const address = daemon.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    expect(await dockerAnswers(`tcp://127.0.0.1:${port}`)).toBe(true);
    daemon.close();
  });
});
