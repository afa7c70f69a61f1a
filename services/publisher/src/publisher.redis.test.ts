import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Alert } from '@leastwise/activity';
import { PromiseBrokenError, runCycle } from '@leastwise/publish';
import { createLog, loadConfig } from '@leastwise/runtime';
import { openEmbeddedStore } from '@leastwise/state';
import { lacksRedis, type RedisServer, START_US, startRedis } from '@leastwise/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { configSchema, type PublisherConfig } from './config.ts';
import type { Cycle } from './cycle.ts';
import { type Publisher, startPublisher } from './publisher.ts';
import { javascriptOfPublisher } from './testing/javascript.ts';
import {
  type Asked,
  bareRepository,
  branchesOf,
  count,
  countInRedis,
  deleteInRedis,
  git,
  merge,
  type PublisherProcess,
  startProcess,
} from './testing/stage.ts';

const FIRST: readonly Asked[] = [
  ['shop:cart', 'get'],
  ['shop:cart', 'list'],
  ['pay:api', 'create'],
];
const SHOP = 'leastwise/prod.namespace-shop.additions';
const PAY = 'leastwise/prod.namespace-pay.additions';
const REPORT = 'leastwise/prod.policies.reports';

let dir: string;
const publishers: Publisher[] = [];
const processes: PublisherProcess[] = [];
let number = 0;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'leastwise-publisher-'));
});
afterEach(async () => {
  for (const publisher of publishers.splice(0)) await publisher[Symbol.asyncDispose]();
  for (const { child, ended } of processes.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function own(name: string): string {
  return join(dir, `${String(++number)}-${name}`);
}

function flagsFor(root: string, ...more: readonly string[]): string[] {
  const pace = ['--every=1s', '--jitter=0s', '--lease=2s', '--outage=2s'];
  const usual = [`--repository.url=${root}`, '--http.host=127.0.0.1', '--http.port=0', ...pace];
  const given = new Set(more.map((flag) => flag.split('=', 1)[0]));
  return [...usual.filter((flag) => !given.has(flag.split('=', 1)[0])), ...more];
}

function configOf(flags: readonly string[]): PublisherConfig {
  const config = loadConfig({ service: 'publisher', schema: configSchema, env: {}, argv: flags });
  if (!config.ok) throw new Error(config.problems.join('\n'));
  return config.value;
}

/** Starts a publisher in this process. */
async function start(flags: readonly string[], run?: Cycle) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    name: 'publisher',
    level: 'debug',
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const options = { version: '0.0.0', ...(run === undefined ? {} : { run }) };
  const publisher = await startPublisher(configOf(flags), log, options);
  publishers.push(publisher);
  const get = async (path: string): Promise<[number, string]> => {
    const { host, port } = publisher.address;
    const response = await fetch(`http://${host}:${String(port)}${path}`);
    return [response.status, await response.text()];
  };
  const metric = async (series: string): Promise<number> => {
    const [, text] = await get('/metrics');
    const line = text.split('\n').find((each) => each.startsWith(`leastwise_publisher_${series} `));
    return Number(line?.split(' ')[1]);
  };
  return { publisher, lines, get, metric };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

describe('a publisher of a folder', () => {
  async function folderWith(asked: readonly Asked[]): Promise<string> {
    const folder = own('state');
    await using store = await openEmbeddedStore({ dir: folder });
    await count(store, asked);
    return folder;
  }

  it('publishes, does nothing while nothing changes, and only the rest after a merge', async () => {
    const [folder, root] = [await folderWith(FIRST), bareRepository(own('repository'))];
    const { metric, get } = await start(flagsFor(root, `--state.folder=${folder}`));
    await until(async () => (await metric('cycles_total{outcome="done"}')) >= 1);
    const first = branchesOf(root);
    expect(Object.keys(first)).toEqual([PAY, SHOP, REPORT, 'main']);
    expect(await get('/readyz')).toEqual([200, '{"status":"ok","failing":[]}\n']);
    expect(await get('/healthz')).toEqual([200, '{"status":"ok","failing":[]}\n']);
    const cycles = await metric('cycles_total{outcome="done"}');
    await until(async () => (await metric('cycles_total{outcome="done"}')) > cycles);
    expect(branchesOf(root)).toEqual(first);
    expect(await metric('plan_actions{action="leave"}')).toBe(3);
    merge(root, SHOP);
    await using store = await openEmbeddedStoreWhenFree(folder);
    await count(store, [['shop:cart', 'delete', 1]]);
    await store[Symbol.asyncDispose]();
    await until(() => branchesOf(root)[SHOP] !== undefined);
    expect(git(root, 'diff', '--numstat', 'main', SHOP, '--', '**/rbac.yaml')).toMatch(
      /^\d+\t\d+\t\S*cart\/rbac\.yaml\n$/,
    );
  });

  it('waits for one that has the folder, and ends when that takes too long', async () => {
    const folder = await folderWith(FIRST);
    await using busy = await openEmbeddedStore({ dir: folder });
    const { publisher, lines } = await start(
      flagsFor(bareRepository(own('repository')), `--state.folder=${folder}`),
    );
    await expect(publisher.ended).rejects.toThrow(/still failing after/);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'the state cannot be opened' }));
    expect((await busy.read()).length).toBe(1);
  });

  it('goes on and publishes nothing while a promise would be broken, and says that it is not ready', async () => {
    const [folder, root] = [await folderWith(FIRST), bareRepository(own('repository'))];
    let isBroken = true;
    const { lines, get, metric } = await start(flagsFor(root, `--state.folder=${folder}`), (...of) =>
      isBroken ? Promise.reject(new PromiseBrokenError([])) : runCycle(...of),
    );
    await until(async () => (await metric('cycles_total{outcome="promise-broken"}')) >= 2);
    expect(await get('/readyz')).toEqual([503, '{"status":"failing","failing":["cycle"]}\n']);
    expect((await get('/healthz'))[0]).toBe(200);
    expect(Object.keys(branchesOf(root))).toEqual(['main']);
    expect(lines.filter(({ level }) => level === 'error').length).toBeGreaterThanOrEqual(2);
    isBroken = false;
    await until(async () => (await get('/readyz'))[0] === 200);
    expect(Object.keys(branchesOf(root))).toHaveLength(4);
  });

  it('commits one on top of the other to the base, without waiting, where it is told so', async () => {
    const [folder, root] = [await folderWith(FIRST), bareRepository(own('repository'))];
    const flags = flagsFor(root, `--state.folder=${folder}`, '--policies=base', '--every=1h');
    await start(flags);
    const policies = (): string[] => {
      const files = git(root, 'ls-tree', '-r', '--name-only', 'main').split('\n');
      return files.filter((path) => path.endsWith('rbac.yaml'));
    };
    await until(() => policies().length === 2);
    expect(Object.keys(branchesOf(root))).toEqual(['main']);
  });

  it('is as well as ever where a cluster does not take its policy reports', async () => {
    const [folder, root] = [await folderWith(FIRST), bareRepository(own('repository'))];
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method ?? ''} ${request.url?.split('?', 1)[0] ?? ''}`);
      response.writeHead(403).end('{"kind":"Status","message":"no"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const kubeconfigFile = own('kubeconfig');
    const named = {
      clusters: [
        {
          name: 'c',
          cluster: { server: `http://127.0.0.1:${String(port)}`, 'insecure-skip-tls-verify': true },
        },
      ],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'secret-4711' } }],
    };
    writeFileSync(kubeconfigFile, JSON.stringify(named));
    const reports = { prod: { kubeconfigFile, context: 'c' } };
    const flags = flagsFor(root, `--state.folder=${folder}`);
    const { metric, get, lines } = await start([
      ...flags,
      `--policyReports.clusters=${JSON.stringify(reports)}`,
    ]);
    await until(async () => (await metric('cycles_total{outcome="done"}')) >= 2);
    expect(await get('/readyz')).toEqual([200, '{"status":"ok","failing":[]}\n']);
    expect(await metric('policy_report_errors_total{failure="forbidden"}')).toBeGreaterThanOrEqual(2);
    expect(new Set(asked)).toEqual(new Set(['GET /apis/leastwise.dev/v1alpha1/subjectpolicyreports']));
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', cluster: 'prod' }));
    expect(JSON.stringify(lines)).not.toContain('secret-4711');
    expect(Object.keys(branchesOf(root))).toHaveLength(4);
    await publishers.pop()?.[Symbol.asyncDispose]();
    server.close();
  });

  it('cannot start without a repository that can be used', async () => {
    const starting = start(flagsFor('git@forge.example:a/b'));
    await expect(starting).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringMatching(/sshKeyFile/) as unknown,
    });
  });
});

/** The publisher has it in between. */
async function openEmbeddedStoreWhenFree(folder: string) {
  for (;;) {
    const store = await openEmbeddedStore({ dir: folder }).catch(() => undefined);
    if (store) return store;
    await sleep(5);
  }
}

describe.skipIf(await lacksRedis())('publishers of a Redis', () => {
  let redis: RedisServer;
  let program: string;
  let flags: (root: string, ...more: readonly string[]) => string[];
  beforeAll(() => {
    program = javascriptOfPublisher(own('program'));
  });
  beforeEach(async () => {
    redis = await startRedis({ dir: own('redis') });
    flags = (root, ...more) => flagsFor(root, `--redis.nodes=127.0.0.1:${String(redis.port)}`, ...more);
    await countInRedis(redis.url, FIRST);
  });
  afterEach(async () => {
    await redis[Symbol.asyncDispose]();
  });
  const startOne = (root: string, ...more: readonly string[]): PublisherProcess => {
    const one = startProcess(program, own('process'), flags(root, ...more));
    processes.push(one);
    return one;
  };

  it('are one at a time: the other one stands by, is ready, and goes on where the first one ends', async () => {
    const root = bareRepository(own('repository'));
    const first = await start(flags(root));
    await until(async () => (await first.metric('cycles_total{outcome="done"}')) >= 1);
    const second = await start(flags(root));
    await until(async () => (await second.metric('cycles_total{outcome="standby"}')) >= 2);
    expect(await second.get('/readyz')).toEqual([200, '{"status":"ok","failing":[]}\n']);
    expect([await first.metric('held_leases'), await second.metric('held_leases')]).toEqual([1, 0]);
    await publishers.shift()?.[Symbol.asyncDispose]();
    await until(async () => (await second.metric('cycles_total{outcome="done"}')) >= 1);
    expect(await second.metric('held_leases')).toBe(1);
  });

  it('write what was done with kubectl on each day that is over, with what alerts found, and not again', async () => {
    const root = bareRepository(own('repository'));
    const bot = 'system:serviceaccount:ci:bot';
    const alert: Alert = {
      ...{ cluster: 'prod', id: 'D50', kind: 'spike', severity: 'HIGH', about: 'delete pods', isTold: true },
      ...{ subject: { kind: 'ServiceAccount', namespace: 'ci', name: 'bot' }, says: 'bot: 212 in 5 min' },
      ...{ startUs: START_US, endUs: START_US + 300_000_000 },
    };
    await deleteInRedis(
      redis.url,
      [
        ['alice', 0],
        [bot, 0],
        [bot, 1],
      ],
      [alert],
    );
    const { metric } = await start(flags(root, '--reports=base'));
    await until(async () => (await metric('cycles_total{outcome="done"}')) >= 2);
    const files = git(root, 'ls-tree', '-r', '--name-only', 'main', 'reports/prod/kubectl/')
      .trim()
      .split('\n');
    const day = new Date(START_US / 1000).toISOString().slice(0, 10).replaceAll('-', '/');
    expect(files).toEqual([`reports/prod/kubectl/${day}.md`, 'reports/prod/kubectl/index.html']);
    const report = git(root, 'show', `main:${files[0] ?? ''}`);
    expect(report).toContain('kubectl delete pods -n shop');
    expect(report).toContain('212 in 5 min');
    expect(report).not.toContain('alice');
    const { main } = branchesOf(root);
    const cycles = await metric('cycles_total{outcome="done"}');
    await until(async () => (await metric('cycles_total{outcome="done"}')) > cycles + 1);
    expect(branchesOf(root)['main']).toBe(main);
  });

  it('end when Redis is away for too long', async () => {
    const { publisher } = await start(flags(bareRepository(own('repository'))));
    await redis.kill();
    await expect(publisher.ended).rejects.toThrow();
  });

  it('need no more of Redis than the documents say', async () => {
    const admin = [
      'resetkeys',
      '~leastwise:*',
      'resetchannels',
      '-@all',
      '+info',
      '+ping',
      '+select',
      '+client|setname',
    ];
    const use = ['+eval', '+evalsha', '+get', '+set', '+unlink', '+smembers', '+hget', '+hgetall'];
    const { closeRedis, connectRedis } = await import('@leastwise/state-redis');
    const connection = await connectRedis({ target: { url: redis.url } });
    await connection.call('ACL', 'SETUSER', 'publisher', 'on', '>secret', ...admin, ...use);
    const root = bareRepository(own('repository'));
    const user = ['--redis.username=publisher', '--redis.password=secret'];
    const { metric, publisher } = await start(flags(root, ...user));
    const isDone = until(async () => (await metric('cycles_total{outcome="done"}')) >= 2);
    await Promise.race([isDone, publisher.ended]);
    await publishers.pop()?.[Symbol.asyncDispose]();
    expect(await connection.exists('leastwise:publisher')).toBe(0);
    expect(await connection.call('ACL', 'LOG')).toEqual([]);
    await closeRedis(connection);
  });

  it('stop in time when they are told to, give the lease up, and end with 0', async () => {
    const one = startOne(bareRepository(own('repository')));
    await one.logged('cycle ended');
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    // At once: the lease is free.
    const next = startOne(bareRepository(own('repository')));
    await next.logged('cycle ended');
    expect(next.log()).not.toContain('another publisher');
  });

  it('say all that is wrong with their configuration, and end with 78', async () => {
    const one = startOne('git@forge.example:a', '--forge.kind=gitea', '--redis.mode=sentinel');
    expect(await one.ended).toBe(78);
    expect(one.log().split('\n')).toEqual([
      'bad configuration:',
      '  redis.masterName goes with redis.mode sentinel',
      '  repository.sshKeyFile: is needed for a repository over ssh',
      '  repository.knownHostsFile: is needed for a repository over ssh',
      '  forge.repository: must be owner/name',
      '  forge.tokenFile: is needed',
      '',
    ]);
  });

  it('say what they would do, and do nothing: not even the lease is taken', async () => {
    const root = bareRepository(own('repository'));
    const holder = await start(flags(bareRepository(own('other'))));
    await until(async () => (await holder.metric('held_leases')) === 1);
    const plan = startProcess(program, own('process'), ['plan', ...flags(root)]);
    expect(await plan.ended).toBe(0);
    expect(plan.log()).toMatch(
      /^Push to new branch leastwise\/prod\.namespace-pay\.additions, on [0-9a-f]{8}: /,
    );
    expect(plan.log()).toMatch(/\n\nProposals:\n {2}leastwise\/prod\.namespace-pay\.additions: Grant .*\n/);
    const json = startProcess(program, own('process'), ['plan', ...flags(root), '-o', 'json']);
    expect(await json.ended).toBe(0);
    expect(JSON.parse(json.log())).toMatchObject({
      actions: [{ action: 'push', branch: PAY }, { action: 'push', branch: SHOP }, { branch: REPORT }],
      proposals: [{ cluster: 'prod', kind: 'additions', branch: PAY }, { branch: SHOP }, { kind: 'reports' }],
    });
    expect(Object.keys(branchesOf(root))).toEqual(['main']);
    const wrong = startProcess(program, own('process'), ['plan', '-o', 'xml', ...flags(root)]);
    expect(await wrong.ended).toBe(2);
    const gone = startProcess(program, own('process'), ['plan', ...flags(`${root}-gone`)]);
    expect(await gone.ended).toBe(1);
    expect(gone.log()).toMatch(/^error: /);
  });

  it('killed again and again, leave what one leaves that is left in peace', async () => {
    const [peaceful, troubled] = [bareRepository(own('repository')), bareRepository(own('repository'))];
    expect(branchesOf(troubled)).toEqual(branchesOf(peaceful));
    const more: Asked[] = [];
    const folder = own('mirror');
    for (let round = 0; round < 6; round++) {
      more.push([`team-${String(round)}:app`, 'get', round]);
      await countInRedis(redis.url, more.slice(-1));
      const one = startOne(troubled, '--lease=1s', `--repository.folder=${folder}`);
      await one.logged('serving health and metrics');
      await sleep(150 * round);
      one.child.kill('SIGKILL');
      expect(await one.ended).toBe('SIGKILL');
    }
    const last = startOne(troubled, '--lease=1s', `--repository.folder=${folder}`);
    await last.logged('cycle ended');
    last.child.kill('SIGTERM');
    expect(await last.ended).toBe(0);
    const clean = startOne(peaceful);
    await clean.logged('cycle ended');
    expect(branchesOf(troubled)).toEqual(branchesOf(peaceful));
    expect(Object.keys(branchesOf(peaceful)).length).toBeGreaterThanOrEqual(9);
  }, 120_000);
});
