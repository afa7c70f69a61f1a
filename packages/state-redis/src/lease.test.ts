import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import {
  lacksRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startTcpProxy,
} from '@leastwise/testkit';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { closeRedis, connectRedis } from './connect.ts';
import { acquireLease, type Lease, leaseOwner, LostLeaseError } from './lease.ts';
import { LeaseScripts } from './lease-scripts.ts';
import type { Connection } from './scripts.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));
/** Long enough for a machine that has much else to do. */
const LONG_MS = 60_000;

/** A process that takes a lease and tells what becomes of it; TypeScript has to be made JavaScript for it. */
const HOLDER = `
import { acquireLease } from './src/lease.js';
import { connectRedis } from './src/connect.js';
const [url, key, ttlMs] = process.argv.slice(2);
const connection = await connectRedis({ target: { url } });
const lease = await acquireLease(connection, { key, ttlMs: Number(ttlMs), owner: 'child' });
lease.signal.addEventListener('abort', () => {
  console.log('lost ' + lease.isHeld() + ' ' + lease.signal.reason.code);
});
console.log('held ' + lease.isHeld());
setInterval(() => undefined, 1000);
`;

function makeHolder(folder: string): string {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(MODULES, join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'lua'), join(folder, 'lua'));
  mkdirSync(join(folder, 'src'));
  const sources = readdirSync(join(ROOT, 'src')).filter((name) => /^(?!.*\.test\.).*\.ts$/.test(name));
  for (const name of sources) {
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'src', name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(join(folder, 'src', name.replace(/\.ts$/, '.js')), outputText);
  }
  writeFileSync(join(folder, 'holder.js'), HOLDER);
  return join(folder, 'holder.js');
}

/** Tries until the lease is to be had. */
async function untilAcquired(connection: Connection, key: string): Promise<Lease> {
  for (;;) {
    const lease = await acquireLease(connection, { key, ttlMs: LONG_MS, owner: 'next' });
    if (lease) return lease;
    await sleep(10);
  }
}

async function lossOf(lease: Lease): Promise<unknown> {
  if (!lease.signal.aborted) await once(lease.signal, 'abort');
  return lease.signal.reason;
}

describe('a lease that cannot be', () => {
  it('lives for no time to speak of', async () => {
    const nowhere = undefined as unknown as Connection;
    for (const ttlMs of [0, 99, 1000.5, Number.NaN]) {
      await expect(acquireLease(nowhere, { key: 'k', ttlMs, owner: 'o' })).rejects.toThrow(RangeError);
    }
  });
});

describe.skipIf(await lacksRedis())('a lease in a real Redis', () => {
  let dir: string;
  let holder: string;
  let redis: RedisServer;
  let connection: Connection;
  const leases: Lease[] = [];
  const children: ChildProcessByStdio<null, Readable, null>[] = [];
  let count = 0;

  const newKey = (): string => `leastwise:lease-${String(++count)}`;
  const kept = (lease: Lease | undefined): Lease => {
    if (!lease) throw new Error('somebody else has the lease');
    leases.push(lease);
    return lease;
  };
  const acquire = async (key: string, ttlMs = LONG_MS, owner = 'me', on = connection): Promise<Lease> =>
    kept(await acquireLease(on, { key, ttlMs, owner }));
  const startHolder = async (key: string, ttlMs: number) => {
    const child = spawn(process.execPath, [holder, redis.url, key, String(ttlMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines: Interface = createInterface(child.stdout);
    const next = lines[Symbol.asyncIterator]();
    const line = async (): Promise<unknown> => (await next.next()).value;
    expect(await line()).toBe('held true');
    return { child, line };
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'leastwise-lease-'));
    mkdirSync(join(dir, 'holder'));
    holder = makeHolder(join(dir, 'holder'));
    redis = await startRedis({ dir: join(dir, 'redis') });
    connection = await connectRedis({ target: { url: redis.url } });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const lease of leases.splice(0)) await lease.release();
  });
  afterAll(async () => {
    await closeRedis(connection);
    await redis[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is had by one of two who want it, and by the other one as soon as it is released', async () => {
    const key = newKey();
    const options = { key, ttlMs: LONG_MS };
    expect(await leaseOwner(connection, options)).toBeUndefined();
    const first = await acquire(key, LONG_MS, 'a host, 1');
    expect(first.isHeld()).toBe(true);
    const other = await connectRedis({ target: { url: redis.url } });
    try {
      expect(await acquireLease(other, { ...options, owner: 'b' })).toBeUndefined();
      expect(await leaseOwner(other, options)).toBe('a host, 1');
      await first.release();
      expect([first.isHeld(), first.signal.aborted]).toEqual([false, false]);
      const second = await acquire(key, LONG_MS, 'b', other);
      expect(second.isHeld()).toBe(true);
      // Released once is released: it must not end the other one's.
      await first.release();
      expect(await leaseOwner(connection, options)).toBe('b');
      await second.release();
    } finally {
      await closeRedis(other);
    }
  });

  it('of many who come at once, is had by one', async () => {
    const key = newKey();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => acquireLease(connection, { key, ttlMs: LONG_MS, owner: 'one' })),
    );
    leases.push(...all.filter((each) => each !== undefined));
    expect(all.filter((each) => each !== undefined)).toHaveLength(1);
  });

  it('is taken once by a command that is sent twice, and ended by nobody else', async () => {
    const scripts = new LeaseScripts(connection);
    const key = newKey();
    expect(await scripts.take(key, 'mine', LONG_MS)).toBe(true);
    expect(await scripts.take(key, 'mine', LONG_MS)).toBe(true);
    expect(await scripts.take(key, 'theirs', LONG_MS)).toBe(false);
    expect(await scripts.renew(key, 'theirs', LONG_MS)).toBe(false);
    expect(await scripts.release(key, 'theirs')).toBe(false);
    expect(await connection.get(key)).toBe('mine');
    expect(await scripts.release(key, 'mine')).toBe(true);
    expect(await scripts.release(key, 'mine')).toBe(false);
    expect(await scripts.renew(key, 'mine', LONG_MS)).toBe(false);
    expect(await connection.exists(key)).toBe(0);
  });

  it('keeps the name of its owner short, whatever is in it', async () => {
    const key = newKey();
    await acquire(key, LONG_MS, `a b ${'x'.repeat(1000)}`);
    expect(await leaseOwner(connection, { key, ttlMs: LONG_MS })).toBe(`a b ${'x'.repeat(196)}`);
  });

  it('is renewed long before it ends', async () => {
    const key = newKey();
    const lease = await acquire(key, 3000);
    let left = await connection.pttl(key);
    for (let renewals = 0; renewals < 2;) {
      await sleep(20);
      const now = await connection.pttl(key);
      if (now > left) renewals += 1;
      left = now;
    }
    expect(lease.isHeld()).toBe(true);
  });

  it('is to be had again when its holder was killed, and not before', async () => {
    const key = newKey();
    const { child } = await startHolder(key, 1500);
    expect(await acquireLease(connection, { key, ttlMs: LONG_MS, owner: 'next' })).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await connection.exists(key)).toBe(1);
    expect(kept(await untilAcquired(connection, key)).isHeld()).toBe(true);
  });

  it('is known to be lost by a holder that stood still, at once when it goes on', async () => {
    const key = newKey();
    const { child, line } = await startHolder(key, 1500);
    child.kill('SIGSTOP');
    const next = kept(await untilAcquired(connection, key));
    child.kill('SIGCONT');
    expect(await line()).toBe('lost false LW_LEASE_LOST');
    // And what it still sends takes nothing from the next one.
    expect(await leaseOwner(connection, { key, ttlMs: LONG_MS })).toBe('next');
    expect(next.isHeld()).toBe(true);
  });

  it('is not held after its time, before any timer could say so', async () => {
    const lease = await acquire(newKey(), 400);
    // Nothing of this process runs meanwhile, as if it were frozen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect([lease.isHeld(), lease.signal.aborted]).toEqual([false, false]);
    expect(await lossOf(lease)).toBeInstanceOf(LostLeaseError);
  });

  it('is lost when Redis forgets it', async () => {
    await using own = await startRedis({ dir: join(dir, 'forgetful') });
    const on = await connectRedis({ target: { url: own.url } });
    try {
      const lease = await acquire('k', 6000, 'me', on);
      await own.stop();
      rmSync(join(own.dir, 'appendonlydir'), { recursive: true, force: true });
      rmSync(join(own.dir, 'appendonly.aof'), { force: true });
      await own.restart();
      const loss = await lossOf(lease);
      expect(loss).toBeInstanceOf(LostLeaseError);
      expect(loss).toMatchObject({ message: expect.stringMatching(/as ours any more$/) as unknown });
      expect(lease.isHeld()).toBe(false);
      // Not taken anew behind the back of whoever came meanwhile.
      expect(await on.exists('k')).toBe(0);
    } finally {
      await closeRedis(on);
    }
  });

  it('is lost when somebody else has it all the same', async () => {
    const key = newKey();
    const lease = await acquire(key, 900);
    await connection.set(key, 'token somebody');
    expect(await lossOf(lease)).toMatchObject({
      message: `the lease ${key} is lost: Redis does not have it as ours any more`,
    });
    await lease.release();
    expect(await leaseOwner(connection, { key, ttlMs: LONG_MS })).toBe('somebody');
    await connection.del(key);
  });

  it('is lost when Redis cannot be reached for as long as it lives, and not for less', async () => {
    await using proxy = await startTcpProxy(redis.port);
    const on = await connectRedis({ target: { host: '127.0.0.1', port: proxy.port } });
    try {
      const key = newKey();
      const lease = await acquire(key, 1500, 'me', on);
      proxy.cut();
      let left = await connection.pttl(key);
      for (let now = left; now <= left; now = await connection.pttl(key)) {
        left = now;
        await sleep(10);
      }
      expect(lease.isHeld()).toBe(true);
      proxy.stall();
      expect(await lossOf(lease)).toMatchObject({
        message: expect.stringMatching(/for 1500 ms$/) as unknown,
      });
      proxy.heal();
    } finally {
      await closeRedis(on);
    }
  });

  it('is refused by a key of another kind, in words', async () => {
    const key = newKey();
    await connection.hset(key, 'a', 'b');
    await expect(acquireLease(connection, { key, ttlMs: 1000, owner: 'o' })).rejects.toThrow(/WRONGTYPE/);
  });

  it('needs +get, +set and +unlink besides what scripts need', async () => {
    const user = ['reset', 'on', '>secret', '~leastwise:*', '+eval', '+evalsha', '+get', '+set', '+unlink'];
    await connection.call(
      'ACL',
      'SETUSER',
      'publisher',
      ...user,
      '+info',
      '+ping',
      '+client|setname',
      '+select',
    );
    const on = await connectRedis({
      target: { host: '127.0.0.1', port: redis.port },
      username: 'publisher',
      password: 'secret',
    });
    try {
      const key = newKey();
      const lease = await acquire(key, 900, 'me', on);
      let left = await connection.pttl(key);
      for (let now = left; now <= left; now = await connection.pttl(key)) {
        left = now;
        await sleep(10);
      }
      await lease.release();
      expect(await connection.exists(key)).toBe(0);
    } finally {
      await closeRedis(on);
    }
  });

  it('is one key of a Cluster', async () => {
    await using cluster = await startRedisCluster({ dir: join(dir, 'cluster') });
    const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const on = await connectRedis({ target: { nodes } });
    try {
      for (const key of ['leastwise:a', 'leastwise:b', 'leastwise:c']) {
        const lease = await acquire(key, LONG_MS, 'me', on);
        expect(await acquireLease(on, { key, ttlMs: LONG_MS, owner: 'you' })).toBeUndefined();
        await lease.release();
        expect(await leaseOwner(on, { key, ttlMs: LONG_MS })).toBeUndefined();
      }
    } finally {
      await closeRedis(on);
    }
  });
});
