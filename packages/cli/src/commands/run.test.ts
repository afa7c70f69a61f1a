import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder, started, treeOf } from '../testing/command.ts';

const folder = ownFolder();
const BAD = 'half a li\n';
const GOOD = asked('alice', 'list pods');

async function written(content: string): Promise<string> {
  const path = folder();
  await writeFile(path, content);
  return path;
}

/** Waits until something is there, looking often; the test's own timeout ends it. */
async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Starts a run that listens on a port of its own. */
async function listening(...words: string[]) {
  const running = started(['run', '-q', '--listen', '127.0.0.1:0', '--interval', '3600', ...words]);
  const url = await eventually(() => /listening on (\S+)/.exec(running.stderr())?.[1]);
  const post = async (body: string): Promise<number> => (await fetch(url, { method: 'POST', body })).status;
  return { running, post };
}

test('--listen: whoever hears 200 finds the dead letters of what it sent', async () => {
  const [out, letters] = [folder(), folder()];
  const { running, post } = await listening('--out', out, '--dead-letter', letters);
  expect(await post(GOOD + BAD)).toBe(200);
  // Now, with the process still running: it may be killed at any moment from here on.
  expect(await readFile(letters, 'utf8')).toContain('"text":"half a li"');
  running.stop('SIGTERM');
  expect((await running.ended).code).toBe(0);
});

describe.skipIf(!existsSync('/dev/full'))('dead letters that cannot be kept', () => {
  test('-f: it says so, and publishes nothing', async () => {
    const out = folder();
    const log = await written(GOOD + BAD);
    const outcome = await leastwise(['run', '-f', log, '--out', out, '--dead-letter', '/dev/full']);
    expect([outcome.code, outcome.stdout]).toEqual([2, '']);
    expect(outcome.stderr).toMatch(/^error: cannot write dead letters to \/dev\/full: ENOSPC/);
    expect(await treeOf(out)).toEqual({});
  });

  test('--listen: nothing of what they came with is acknowledged or kept', async () => {
    const [out, state] = [folder(), folder()];
    const { running, post } = await listening('--out', out, '--state', state, '--dead-letter', '/dev/full');
    expect(await post(GOOD + BAD)).toBe(503);
    expect((await running.ended).code).toBe(2);
    expect([await treeOf(out), await treeOf(state)]).toEqual([{}, {}]);
  });
});

test('--strict with -f: it fails as often as it is run, publishes nothing, and no state changes', async () => {
  const [out, state] = [folder(), folder()];
  const flags = ['--out', out, '--state', state, '-q'];
  const first = await written(GOOD);
  expect((await leastwise(['run', '-f', first, '--strict', ...flags])).code).toBe(0);
  const before = [await treeOf(out), await treeOf(state)];
  // More requests than one batch has, and the bad record after them.
  const many = Array.from({ length: 10_000 }, (_, i) => asked('bob', 'list pods', { id: String(i) })).join(
    '',
  );
  const log = await written(many + BAD);
  for (let time = 0; time < 2; time += 1) {
    const { code, stderr } = await leastwise(['run', '-f', log, '--strict', ...flags]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${log}:10001: invalid-json`)]);
    expect([await treeOf(out), await treeOf(state)]).toEqual(before);
  }
  // Nothing was counted, so all of it counts when the log was mended.
  const mended = await leastwise([
    'run',
    '-f',
    await written(many),
    '--strict',
    '-o',
    'json',
    ...flags.slice(0, 4),
  ]);
  expect(mended.code).toBe(0);
  expect(JSON.parse(mended.stdout)).toMatchObject({ input: { requests: 10_000, repeated: 0 } });
});

test('--strict with --listen: it ends, and does not acknowledge what it could not read', async () => {
  const [out, state] = [folder(), folder()];
  const { running, post } = await listening('--out', out, '--state', state, '--strict');
  expect(await post(GOOD)).toBe(200);
  const before = await treeOf(state);
  expect(await post(asked('bob', 'list pods') + BAD)).toBe(503);
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining('invalid-json')]);
  expect([await treeOf(out), await treeOf(state)]).toEqual([{}, before]);
});

test('--strict with --follow: it ends at the record', async () => {
  const [out, state] = [folder(), folder()];
  const log = await written(GOOD + BAD);
  const words = ['run', '-q', '--follow', log, '--strict', '--out', out, '--state', state];
  for (let time = 0; time < 2; time += 1) {
    const { code, stderr } = await leastwise(words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${log}:2: invalid-json`)]);
    expect(await treeOf(out)).toEqual({});
  }
});

test('--follow goes on where it ended, over a rotation in between; another log has a position of its own', async () => {
  const [out, state, log] = [folder(), folder(), folder()];
  // As long as an event of the API server.
  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => {
      const line = asked('alice', `get pods ns1 pod-${String(from + i)}`, { id: String(from + i) });
      return `${line.trimEnd().slice(0, -1)},"sourceIPs":["${'0'.repeat(200)}"]}\n`;
    }).join('');
  const follow = async (file: string, count: number) => {
    const words = ['run', '--follow', file, '--out', out, '--state', state, '--interval', '1', '-o', 'json'];
    const running = started(words);
    await eventually(() => (running.stdout().includes(`"events": ${String(count)},`) ? true : undefined));
    running.stop('SIGTERM');
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(running.stdout().slice(running.stdout().lastIndexOf('\n{') + 1)) as { input: object };
  };
  await writeFile(log, lines(0, 100));
  expect((await follow(log, 100)).input).toMatchObject({ requests: 100, repeated: 0 });
  await writeFile(log, lines(100, 105), { flag: 'a' });
  await rename(log, `${log}.1`);
  await writeFile(log, lines(105, 110));
  expect((await follow(log, 11)).input).toMatchObject({ requests: 10, repeated: 1 });
  const other = await written(lines(200, 210));
  expect((await follow(other, 10)).input).toMatchObject({ requests: 10, repeated: 0 });
});
