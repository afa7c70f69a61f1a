// Row 34: results while the input goes on.
import { appendFile, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Ingestion } from '@leastwise/cli';
import { openWebhookSource } from '@leastwise/source-file';
import { openEmbeddedStore } from '@leastwise/state';
import { serviceAccountActor } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, until } from '../support/folders.ts';
import { start } from '../support/leastwise.ts';
import { ALICE, ask, BOB, linesOf } from '../support/log.ts';
import { rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');
const EVENTS = [ask(ALICE, 'list pods ns1'), ask(BOB, 'list services ns2'), ask(APP, 'list nodes')];

describe('row 34: results while it streams', () => {
  test('a log that grows: the repository follows without a stop, over idle times and a rotation', async () => {
    const [log, out] = [folder('audit.log'), folder('out')];
    await mkdir(dirname(log), { recursive: true });
    const lines = linesOf(
      ['get pods ns1 a', 'list secrets ns1', 'list nodes', 'list leases ns1'].map((text) => ask(ALICE, text)),
    );
    const has = async (text: string): Promise<boolean> => JSON.stringify(await treeOf(out)).includes(text);
    const running = start(['run', '-q', '--follow', log, '--out', out, '--interval', '1']);

    await appendFile(log, `${lines[0] ?? ''}\n`);
    await until('the first event is published', () => has('- pods'));
    // The peers lose what comes after an idle second, and a line that is completed later.
    await appendFile(log, lines[1]?.slice(0, 100) ?? '');
    await new Promise((resolve) => setTimeout(resolve, 600));
    await appendFile(log, `${lines[1]?.slice(100) ?? ''}\n`);
    await until('the second event is published', () => has('- secrets'));

    await rename(log, `${log}.1`);
    await appendFile(`${log}.1`, `${lines[2] ?? ''}\n`);
    await appendFile(log, `${lines[3] ?? ''}\n`);
    await until(
      'both sides of the rotation are published',
      async () => (await has('- nodes')) && has('- leases'),
    );

    running.stop();
    expect((await running.ended).code).toBe(0);
  });

  test('the audit webhook: what was answered 200 is durable, and the repository follows', async () => {
    const [out, state] = [folder('out'), folder('state')];
    const args = ['run', '-q', '--listen', '127.0.0.1:0', '--out', out, '--state', state, '--interval', '1'];
    const running = start(args);
    await until('it listens', () => running.stderr().includes('listening on'));
    const url = /listening on (\S+)/.exec(running.stderr())?.[1] ?? '';
    const items = linesOf(EVENTS).map((line) => JSON.parse(line) as unknown);
    const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items };
    const { status } = await fetch(url, { method: 'POST', body: JSON.stringify(list) });
    expect(status).toBe(200);
    // Durable by now: the bytes of the state on the disk name the subject.
    expect(await readFile(join(state, 'state.ndjson'), 'utf8')).toContain('alice');
    await until('the repository is there', async () => Object.keys(await treeOf(out)).length > 5);
    running.stop();
    expect((await running.ended).code).toBe(0);
    expect(rulesOf((await treeOf(out))['clusters/default/namespaces/ns2/user-bob/rbac.yaml'] ?? '')).toEqual({
      'Role ns2': ['list services'],
    });
  });

  // Its peer marks an event as seen before it takes it: after a 429, the retry drops it.
  test('a sender that is answered 429 and sends again loses nothing', async () => {
    await using store = await openEmbeddedStore();
    const seen = new Set<string>();
    const ingestion = await Ingestion.start(store, {
      cluster: 'default',
      clusterField: undefined,
      filters: [],
      filterDefault: 'allow',
      group: undefined,
      observe: (request) => seen.add(request.auditID),
      deadLetters: { write: () => undefined, flush: () => Promise.resolve(), close: () => Promise.resolve() },
    });
    const lines = linesOf(Array.from({ length: 40 }, (_, i) => ask(ALICE, `get pods ns1 p${i}`)));
    const source = await openWebhookSource({ host: '127.0.0.1', port: 0, maxQueuedBytes: 6000 });
    const answers: number[] = [];
    const send = async (line: string): Promise<void> => {
      for (;;) {
        const { status } = await fetch(source.url, { method: 'POST', body: line });
        answers.push(status);
        if (status === 200) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const stop = new AbortController();
    const reading = (async () => {
      await until('the queue is full', () => answers.includes(429));
      for await (const chunk of source.chunks(stop.signal)) {
        ingestion.take(chunk);
        await source.acknowledge(chunk.position);
      }
    })();
    await Promise.all(lines.map(send));
    stop.abort();
    await reading;
    await source.close();
    expect(answers).toContain(429);
    expect(seen.size).toBe(40);
  });
});
