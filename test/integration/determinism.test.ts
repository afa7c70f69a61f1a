// The third promise, kept on recordings of real API servers.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { createRandom } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, tracesOf, treeOf, written } from './support/folders.ts';
import { published } from './support/leastwise.ts';
import { linesIn, RECORDINGS } from './support/real-logs.ts';

const folder = ownFolder();

describe.each(RECORDINGS)('deterministic: %s', (_, log) => {
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

  async function parts(count: number): Promise<string[]> {
    const lines = await linesIn(log);
    const random = createRandom(23);
    const shares = Array.from({ length: count }, (): string[] => []);
    for (const line of lines) random.pick(shares).push(line);
    return Promise.all(
      shares.map((share, i) => written(folder(`part-${i}.log.gz`), gzipSync(text(share), { level: 1 }))),
    );
  }

  test('the same bytes again, shuffled, in parts of any order, with duplicates, and in two runs of either order', async () => {
    const lines = await linesIn(log);
    const random = createRandom(5);
    const clean = folder('clean');
    await published(clean, '-f', log);
    const wanted = await treeOf(clean);
    expect(Object.keys(wanted).length).toBeGreaterThan(30);

    const same = async (...runs: string[][]): Promise<void> => {
      const out = folder('out');
      for (const inputs of runs) await published(out, '-f', ...inputs);
      expect(await treeOf(out)).toEqual(wanted);
    };
    await same([log]);
    await same([await written(folder('shuffled.log'), text(random.shuffle(lines)))]);
    const shares = await parts(5);
    await same(random.shuffle(shares));
    await same(shares.toReversed());
    const copies = lines.filter(() => random.next() < 0.2);
    await same([await written(folder('copies.log'), text([...copies, ...lines, ...copies.toReversed()]))]);
    const half = lines.length >> 1;
    const first = await written(folder('first.log'), text(lines.slice(0, half)));
    const second = await written(folder('second.log'), text(lines.slice(half - 100)));
    await same([first], [second]);
    await same([second], [first]);
    await same(...shares.map((share) => [share]), [log]);
  }, 120_000);

  test('a second run changes nothing on the disk', async () => {
    const out = folder('out');
    await published(out, '-f', log);
    const before = await tracesOf(out);
    const { stdout } = await published(out, '-f', log);
    expect(stdout).toContain('nothing changed');
    expect(await tracesOf(out)).toEqual(before);
  });

  test('in a git work tree a run is one commit, and a second one is none', async () => {
    const out = folder('repository');
    const git = async (...args: string[]): Promise<string> => {
      const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
      const { stdout } = await promisify(execFile)('git', ['-C', out, ...args], { env, maxBuffer: 1 << 26 });
      return stdout;
    };
    await mkdir(out, { recursive: true });
    await git('init', '--quiet', '--initial-branch', 'main');
    await published(out, '-f', log);
    const first = await git('log', '--format=%H %T');
    expect(first.trimEnd().split('\n')).toHaveLength(1);
    expect(await git('status', '--porcelain')).toBe('');

    const before = await tracesOf(out);
    await published(out, '-f', log);
    expect(await git('log', '--format=%H %T')).toBe(first);
    expect(await tracesOf(out)).toEqual(before);

    const plain = folder('plain');
    await published(plain, '-f', log);
    expect(await treeOf(out)).toEqual(await treeOf(plain));
  });
});
