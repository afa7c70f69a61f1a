// The audit events of a real API server, as its webhook and as its log that rotates, into the real command.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { Ingestion } from '@leastwise/cli';
import { openWebhookSource } from '@leastwise/source-file';
import { openEmbeddedStore } from '@leastwise/state';
import { type ControlPlane, freePort, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { build, spawnLeastwise } from '../integration/support/built.ts';
import { treeOf, until, written } from '../integration/support/folders.ts';
import { broadRbac, staticUsers } from './loop/actors.ts';
import { applyRbac } from './loop/apply.ts';
import { drive } from './loop/drive.ts';
import { makeWorld } from './loop/world.ts';
import { kubernetesBinaries } from './support/binaries.ts';
import {
  certificate,
  countLogs,
  documentsOf,
  droppedEvents,
  fillBatches,
  fromLogs,
  makeNamespaces,
  makeRequests,
  metric,
  type Receiver,
  startReceiver,
  untilPosted,
  type WebhookTarget,
  webhookFlags,
  WITH_BODIES,
  writeLarge,
} from './support/webhook.ts';

const binaries = await kubernetesBinaries();
// Each test has servers of its own, which wait more than they work.
vi.setConfig({ maxConcurrency: 2 });
const TLS = ['--tls-cert', certificate('server.pem'), '--tls-key', certificate('server.key')];
const MUTUAL_TLS = [...TLS, '--tls-client-ca', certificate('ca.pem')];
const NO_LETTERS = {
  write: () => undefined,
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** What becomes of a batch that somebody else sends. */
function sendAs(url: string, client: { cert?: Buffer; key?: Buffer }): Promise<number | 'refused'> {
  return new Promise((resolve) => {
    const options = { method: 'POST', rejectUnauthorized: false, agent: false as const, ...client };
    request(url, options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', () => {
        resolve('refused');
      })
      .end('{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}');
  });
}

describe.skipIf(!binaries)('a real API server', { concurrent: true }, () => {
  let root = '';
  const receivers: Receiver[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'leastwise-webhook-'));
    await build();
  });

  afterAll(async () => {
    for (const { child } of receivers) child.process.kill('SIGKILL');
    if (process.env['LEASTWISE_TEST_KEEP'] === undefined) await rm(root, { recursive: true, force: true });
    else console.log(`kept: ${root}`);
  });

  async function folder(name: string): Promise<string> {
    const path = join(root, name);
    await mkdir(path);
    return path;
  }

  async function run(dir: string, ...args: string[]): Promise<Receiver> {
    const receiver = await startReceiver([
      ...['--out', join(dir, 'out'), '--state', join(dir, 'state'), '--interval', '3'],
      ...args,
    ]);
    receivers.push(receiver);
    return receiver;
  }

  async function startApiServer(dir: string, flags: readonly string[]): Promise<ControlPlane> {
    const apiServer = binaries?.apiServer ?? '';
    return await startControlPlane({ dir, apiServer, users: staticUsers(), auditPolicy: WITH_BODIES, flags });
  }

  /** An API server that sends to a webhook, ready for requests of many users. */
  async function startSender(
    target: WebhookTarget,
    prepare: (plane: ControlPlane) => Promise<void> = makeNamespaces,
  ): Promise<ControlPlane> {
    const plane = await startApiServer(target.dir, await webhookFlags(target));
    await prepare(plane);
    await applyRbac(plane, broadRbac());
    return plane;
  }

  /** How many events of the log were sent, by the API server's own account. */
  async function sentEvents(dir: string, log: { readonly events: number }): Promise<number> {
    const { atItsEnd } = await droppedEvents(dir);
    return log.events - atItsEnd;
  }

  /** Holds what came against the log that the same API server wrote, and tells what that one says. */
  async function expectAsInLogs(
    dir: string,
    given?: Awaited<ReturnType<typeof fromLogs>>,
  ): Promise<Awaited<ReturnType<typeof fromLogs>>> {
    const log = given ?? (await fromLogs(dir));
    expect((await droppedEvents(dir)).before).toEqual([]);
    const published = await treeOf(join(dir, 'out'));
    // All of it: the policies, and the counts in the report.
    expect(published).toEqual(log.repository);
    expect(documentsOf(published)).toEqual(documentsOf(log.policies));
    expect(documentsOf(published).length).toBeGreaterThan(10);
    expect(log.requests).toBeGreaterThan(1000);
    return log;
  }

  test('over TLS: every event arrives, and the policies are those of its log', async () => {
    const dir = await folder('tls');
    const port = await freePort();
    const receiver = await run(dir, '--listen', `127.0.0.1:${String(port)}`, ...TLS);
    expect(receiver.said()).toContain('warning: whoever reaches this address is believed');
    const plane = await startSender({ dir, server: receiver.url, hasCertificate: false }, makeWorld);
    await drive(plane, binaries?.kubectl ?? '');
    await makeRequests(plane, 'tls', 50);
    // It sends what it still has before it ends.
    await plane[Symbol.asyncDispose]();
    const { input } = await receiver.stop();
    expect(input.events).toBe(await sentEvents(dir, await expectAsInLogs(dir)));
  });

  test('over mutual TLS, while we are killed with -9 again and again: nothing is lost or counted twice', async () => {
    const dir = await folder('mutual-tls');
    const port = await freePort();
    const listen = (): Promise<Receiver> => run(dir, '--listen', `127.0.0.1:${String(port)}`, ...MUTUAL_TLS);
    let receiver = await listen();
    expect(receiver.said()).not.toContain('believed');
    const plane = await startSender({ dir, server: receiver.url, hasCertificate: true, batchSize: 50 });

    const stranger = join(dir, 'certs', 'apiserver');
    const [cert, key] = [await readFile(`${stranger}.crt`), await readFile(`${stranger}.key`)];
    expect(await sendAs(receiver.url, {})).toBe('refused');
    expect(await sendAs(receiver.url, { cert, key })).toBe('refused');

    for (let time = 0; time < 3; time += 1) {
      const requests = makeRequests(plane, `kill-${String(time)}`, 25);
      const before = await metric(plane, port, '<error>');
      await sleep(400 + 300 * time);
      receiver.child.process.kill('SIGKILL');
      await receiver.child.ended;
      await requests;
      // Its batches meet nobody.
      await untilPosted(plane, { port, code: '<error>', count: before + 1 });
      receiver = await listen();
    }
    // It ends once the last batch came through: the pause before the next try is eight seconds at most.
    await plane[Symbol.asyncDispose]();
    const { input } = await receiver.stop();
    expect(input.events).toBeGreaterThan(0);
    await expectAsInLogs(dir);
  });

  test('a full queue: 429 before anything is taken, all of it comes again, nothing is counted twice', async () => {
    const dir = await folder('full');
    const [cert, key] = [
      await readFile(certificate('server.pem')),
      await readFile(certificate('server.key')),
    ];
    const tls = { cert, key, clientCa: await readFile(certificate('ca.pem')) };
    const source = await openWebhookSource({ host: '127.0.0.1', port: 0, tls, maxQueuedBytes: 1_000_000 });
    const { port } = source.address;
    let stats: Ingestion['stats'] | undefined;
    {
      await using store = await openEmbeddedStore({ dir: join(dir, 'state') });
      const ingestion = await Ingestion.start(store, {
        cluster: 'default',
        clusterField: undefined,
        filters: [],
        filterDefault: 'allow',
        group: undefined,
        observe: { deniedAs: 'denied' },
        deadLetters: NO_LETTERS,
      });
      stats = ingestion.stats;
      const stop = new AbortController();
      let mayRead = false;
      const reading = (async () => {
        await until('it may read', () => mayRead);
        for await (const chunk of source.chunks(stop.signal)) {
          ingestion.take(chunk);
          await sleep(20);
          await ingestion.commit();
          await store.flush();
          await source.acknowledge(chunk.position);
        }
      })();
      const plane = await startSender({ dir, server: source.url, hasCertificate: true, batchSize: 50 });
      const requests = makeRequests(plane, 'full', 60);
      await untilPosted(plane, { port, code: '429', count: 21 });
      mayRead = true;
      await requests;
      const logged = (await fromLogs(dir)).requests;
      await until('all of it came', () => ingestion.stats.requests >= logged);
      await plane[Symbol.asyncDispose]();
      await source.close();
      stop.abort();
      await reading;
    }
    // Publishes what the state knows.
    const nothing = await written(join(dir, 'nothing.log'), '');
    const args = ['run', '-q', '-f', nothing, '--out', join(dir, 'out'), '--state', join(dir, 'state')];
    expect((await spawnLeastwise(args).ended).end).toBe(0);
    const log = await expectAsInLogs(dir);
    expect([stats.events, stats.requests]).toEqual([await sentEvents(dir, log), log.requests]);
  });

  test('without the certificate that we ask for, not one event of it is taken', async () => {
    const dir = await folder('stranger');
    const port = await freePort();
    const receiver = await run(dir, '--listen', `127.0.0.1:${String(port)}`, ...MUTUAL_TLS);
    const flags = await webhookFlags({ dir, server: receiver.url, hasCertificate: false });
    await using plane = await startApiServer(dir, [...flags, '--audit-webhook-initial-backoff=50ms']);
    await until('it has given batches up', async () => (await droppedEvents(dir)).before.length > 0);
    expect(await metric(plane, port, '<error>')).toBeGreaterThan(4);
    const { input } = await receiver.stop();
    expect(input.events).toBe(0);
  });

  /** Has a batch sent that is larger than what is taken, and waits until its fate is known. */
  async function sendTooLarge(dir: string, { isTaken }: { readonly isTaken: boolean }) {
    const port = await freePort();
    const receiver = await run(dir, '--listen', `127.0.0.1:${String(port)}`, ...MUTUAL_TLS);
    // Sent when they are full, whatever the time.
    const batch = { batchSize: 200, wait: '1h' };
    const flags = await webhookFlags({ dir, server: receiver.url, hasCertificate: true, ...batch });
    if (isTaken) flags.push('--audit-webhook-truncate-enabled');
    const plane = await startApiServer(dir, [...flags, '--audit-webhook-initial-backoff=50ms']);
    await fillBatches(plane, batch.batchSize);
    // All of it is in the batch that has just begun.
    await writeLarge(plane, 32);
    const taken = await metric(plane, port, '200');
    await fillBatches(plane, batch.batchSize);
    await (isTaken
      ? untilPosted(plane, { port, code: '200', count: taken + 1 })
      : until('it was given up', async () => (await droppedEvents(dir)).before.length > 0));
    await plane[Symbol.asyncDispose]();
    const { input } = await receiver.stop();
    return { input, said: receiver.said(), log: await countLogs(dir) };
  }

  test('a batch that is too large is refused loudly', async () => {
    const dir = await folder('too-large');
    const { input, said, log } = await sendTooLarge(dir, { isTaken: false });
    expect((await droppedEvents(dir)).before).not.toEqual([]);
    expect(input.requests).toBeLessThan(log.requests);
    const warnings = said.match(/warning: refused a batch.*/g) ?? [];
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/of \d+\.\d MiB from 127\.0\.0\.1: at most 64\.0 MiB .*truncate-enabled/);
  });

  test('--audit-webhook-truncate-enabled mends a batch that is too large', async () => {
    const dir = await folder('truncated');
    const { input, said, log } = await sendTooLarge(dir, { isTaken: true });
    expect([input.events, input.requests]).toEqual([await sentEvents(dir, log), log.requests]);
    expect(said).not.toContain('refused');
  });

  test('plain HTTP is only offered on a loopback address', async () => {
    const dir = await folder('plain');
    for (const host of ['0.0.0.0', '[::]', '192.0.2.1']) {
      const args = ['run', '--listen', `${host}:0`, '--out', join(dir, 'out')];
      const { end, stderr } = await spawnLeastwise(args).ended;
      expect([end, stderr]).toEqual([2, expect.stringContaining('plain HTTP is only offered on a loopback')]);
    }
  });

  test('its log, followed over its own rotations while we are killed with -9: nothing is lost or counted twice', async () => {
    const dir = await folder('follow');
    const follow = (): Promise<Receiver> => run(dir, '--follow', join(dir, 'audit.log'));
    let follower = await follow();
    const plane = await startApiServer(dir, [
      '--disable-admission-plugins=ServiceAccount',
      // Every megabyte.
      '--audit-log-maxsize=1',
      '--audit-log-maxbackup=0',
    ]);
    await makeNamespaces(plane);
    await applyRbac(plane, broadRbac());
    await makeRequests(plane, 'followed', 20);
    follower.child.process.kill('SIGKILL');
    await follower.child.ended;
    // Rotates several times, unseen.
    await makeRequests(plane, 'unseen', 30);
    follower = await follow();
    await makeRequests(plane, 'again', 20);
    await plane[Symbol.asyncDispose]();
    const log = await fromLogs(dir);
    const published = () => treeOf(join(dir, 'out'));
    await until('all of it is published', async () => isDeepStrictEqual(await published(), log.repository));
    const { input } = await follower.stop();
    await expectAsInLogs(dir, log);
    expect(log.files).toBeGreaterThan(4);
    // What was read before it was killed is not read again.
    expect(input.events).toBeLessThan(log.events);
    expect(follower.said()).toBe('');
  });
});
