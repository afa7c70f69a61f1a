// What is left when a run does not end by itself.
import { readdirSync, statSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { openEmbeddedStore } from '@leastwise/state';
import { createRandom, userActor } from '@leastwise/testkit';
import { beforeAll, describe, expect, test } from 'vitest';

import { build, type Child, spawnLeastwise } from './support/built.ts';
import { copied, ownFolder, treeOf, until, written } from './support/folders.ts';
import { ask, linesOf } from './support/log.ts';

async function filesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((): string[] => []);
}

const isNightly = process.env['LEASTWISE_NIGHTLY'] === '1';
const KILLS = isNightly ? 150 : 10;
const folder = ownFolder();
const PEOPLE = Array.from({ length: 40 }, (_, i) => userActor(`user-${i}`));
const asked = (...texts: string[]) => PEOPLE.flatMap((actor) => texts.map((text) => ask(actor, text)));
/** What makes a state of some megabytes, so that saving takes a while, and hardly anything in the policies. */
const HEAVY = Array.from({ length: 12_000 }, (_, i) =>
  ask(userActor('heavy'), `get r${i % 60} ns3 n${Math.floor(i / 60)}`),
);
/** Everybody's policy changes from the first log to the second. */
const LINES = linesOf([
  ...HEAVY,
  ...asked('list pods ns1', 'list nodes'),
  ...asked('list secrets ns1', 'get leases ns2 l'),
]);
const FIRST = LINES.slice(0, HEAVY.length + 2 * PEOPLE.length);
const SECOND = LINES.slice(FIRST.length);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

beforeAll(build, 180_000);

async function run(out: string, ...args: string[]) {
  const outcome = await spawnLeastwise(['run', '-q', '--out', out, '--state', `${out}.state`, ...args]).ended;
  expect(outcome).toEqual({ end: 0, stdout: '', stderr: '' });
}

/** What a state knows, in bytes. */
async function stateIn(dir: string): Promise<string> {
  await using store = await openEmbeddedStore({ dir });
  return JSON.stringify(await store.read(), (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}

function killAfter(child: Child, delayMs: number): () => void {
  const timer = setTimeout(() => child.process.kill('SIGKILL'), delayMs);
  return () => {
    clearTimeout(timer);
  };
}

function filesNow(dir: string): string {
  const files = readdirSync(dir).filter((file) => !file.startsWith('lock-'));
  return files
    .map((file) => `${file} ${statSync(join(dir, file), { throwIfNoEntry: false })?.size ?? ''}`)
    .join();
}

/** Waits without giving way: what is to be hit lasts for milliseconds. */
function spin(isOver: () => boolean): void {
  const deadline = performance.now() + 20_000;
  while (!isOver() && performance.now() < deadline);
}

/** Kills a while after a folder began to change, which is when the state is saved. */
function killWhileSaving(child: Child, dir: string, delayMs: number): () => void {
  const before = filesNow(dir);
  spin(() => filesNow(dir) !== before);
  const startedMs = performance.now();
  spin(() => performance.now() - startedMs > delayMs);
  child.process.kill('SIGKILL');
  return () => undefined;
}

describe('killed at any moment', () => {
  test('the state is the one before or the one after, each file too, and the next run makes it good', async () => {
    const [first, second] = [
      await written(folder('first.log'), text(FIRST)),
      await written(folder('second.log'), text(SECOND)),
    ];
    const [before, after] = [folder('before'), folder('after')];
    await run(before, '-f', first);
    await copied(before, after);
    await copied(`${before}.state`, `${after}.state`);
    const startedMs = performance.now();
    await run(after, '-f', second);
    const tookMs = performance.now() - startedMs;
    const [old, fresh] = [await treeOf(before), await treeOf(after)];
    const states = [await stateIn(`${before}.state`), await stateIn(`${after}.state`)];
    expect(states[0]).not.toBe(states[1]);

    const random = createRandom(42);
    let killed = 0;
    for (let i = 0; i < KILLS; i += 1) {
      const out = folder('out');
      await copied(before, out);
      await copied(`${before}.state`, `${out}.state`);
      const child = spawnLeastwise(['run', '-q', '--out', out, '--state', `${out}.state`, '-f', second]);
      const stopKilling =
        i % 2 === 0
          ? killAfter(child, tookMs * (0.3 + 0.7 * random.next()))
          : killWhileSaving(child, `${out}.state`, 40 * random.next());
      const { end } = await child.ended;
      stopKilling();
      expect([0, 'SIGKILL']).toContain(end);
      if (end === 'SIGKILL') killed += 1;

      const state = await stateIn(`${out}.state`);
      expect(states).toContain(state);
      const tree = await treeOf(out);
      for (const [path, content] of Object.entries(tree)) {
        if (isTemporary(path)) continue;
        expect([old[path], fresh[path]], path).toContain(content);
      }
      for (const path of Object.keys(old)) expect(path in tree || !(path in fresh), path).toBe(true);
      await run(out, '-f', second);
      expect(await treeOf(out)).toEqual(fresh);
      expect(await stateIn(`${out}.state`)).toBe(states[1]);
      await rm(out, { recursive: true });
    }
    expect(killed).toBeGreaterThan(0);
  }, 600_000);
});

/** What is renamed to its place when it is whole. */
function isTemporary(path: string): boolean {
  return /(?:^|\/)\.[^/]*(?:tmp|leastwise)[^/]*$/.test(path);
}

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends at once with %d, and keeps what was read', async (signal, code) => {
    const [out, clean] = [folder('out'), folder('clean')];
    const child = spawnLeastwise(['run', '--out', out, '--state', `${out}.state`, '-f', '-']);
    // More blank lines than the pipe and both ends of it can hold: once they are gone, what came before was read.
    await new Promise((resolve) => child.process.stdin.write(text(FIRST) + '\n'.repeat(1 << 20), resolve));
    // Its input stays open: only the signal can end it.
    child.process.kill(signal);
    const { end, stdout, stderr } = await child.ended;
    expect([end, stdout]).toEqual([code, '']);
    expect(stderr).toContain('interrupted: what was read is kept, nothing was published');
    expect(await treeOf(out)).toEqual({});
    expect((await readdir(`${out}.state`)).filter((file) => file.startsWith('lock-'))).toEqual([]);

    await run(out, '-f', await written(folder('second.log'), text(SECOND)));
    await run(clean, '-f', await written(folder('all.log'), text(LINES)));
    expect(await treeOf(out)).toEqual(await treeOf(clean));
  });

  test('a followed log: what was read is published, and it ends with 0', async () => {
    const [out, clean] = [folder('out'), folder('clean')];
    const [last = ''] = linesOf([ask(userActor('the-last-one'), 'list nodes')]);
    const log = await written(folder('audit.log'), text([...FIRST, last]));
    const flags = ['--follow', log, '--interval', '3600'];
    const child = spawnLeastwise(['run', '-q', '--out', out, '--state', `${out}.state`, ...flags]);
    const saved = (): Promise<string> => readFile(`${out}.state/state.ndjson`, 'utf8').catch(() => '');
    await until('it has saved all', async () => (await saved()).includes('the-last-one'));
    child.process.kill('SIGINT');
    expect(await child.ended).toEqual({ end: 0, stdout: '', stderr: '' });
    await run(clean, '-f', log);
    expect(await treeOf(out)).toEqual(await treeOf(clean));
  });
});

describe('two processes on one state', () => {
  test('the second says whose it is, ends with 2 and touches nothing; a lock of a dead process is no lock', async () => {
    const [out, state] = [folder('out'), folder('state')];
    const args = (...more: string[]): string[] => ['run', '-q', '--out', out, '--state', state, ...more];
    const child = spawnLeastwise(args('-f', '-'));
    await until('it has the lock', async () =>
      (await filesIn(state)).some((file) => file.startsWith('lock-')),
    );
    const log = await written(folder('audit.log'), text(FIRST));
    const second = await spawnLeastwise(args('-f', log)).ended;
    expect([second.end, second.stdout]).toEqual([2, '']);
    expect(second.stderr).toContain(`in use by process ${child.process.pid ?? ''}`);
    expect(await treeOf(out)).toEqual({});

    child.process.kill('SIGKILL');
    await child.ended;
    expect((await readdir(state)).some((file) => file.startsWith('lock-'))).toBe(true);
    const third = await spawnLeastwise(args('-f', log)).ended;
    expect(third).toEqual({ end: 0, stdout: '', stderr: '' });
    expect(Object.keys(await treeOf(join(out, 'clusters'))).length).toBeGreaterThan(PEOPLE.length);
  });
});
