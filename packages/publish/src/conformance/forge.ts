import { describe, expect, test } from 'vitest';

import { planChanges } from '../plan-changes.ts';
import { PublishError } from '../types.ts';
import type { Files, Forge, Plan, PlannedChange } from '../types.ts';

const REFUSED_PATHS = [
  '../outside',
  'a/../../outside',
  '/etc/outside',
  'a//b',
  'a/./b',
  'a\\b',
  'a\nb',
  '.git/config',
  'a/.GIT/hooks/x',
  'x'.repeat(256),
];

/**
 * What every forge must do, as tests.
 * @param make - a new repository that holds the given files (committed, where there are commits).
 */
export function describeForge(name: string, make: (existing: Files) => Promise<Forge>): void {
  describe(`${name} keeps the contract of Forge`, () => {
    describeReading(make);
    describeApplying(make);
    describeRefusing(make);
  });
}

function describeReading(make: (existing: Files) => Promise<Forge>): void {
  test('a new repository holds nothing', async () => {
    const forge = await make(new Map());
    expect([...(await forge.read([]))]).toEqual([]);
    expect([...(await forge.read(['clusters']))]).toEqual([]);
  });

  test('reads the files below the given folders, in the order of their paths', async () => {
    const forge = await make(
      files({ 'b/2': 'two', 'a/x/1': 'one', 'ab/3': 'three', a0: 'no folder', 'a/b': 'four' }),
    );
    expect([...(await forge.read(['a']))]).toEqual([
      ['a/b', 'four'],
      ['a/x/1', 'one'],
    ]);
    expect([...(await forge.read(['b', 'a/x'])).keys()]).toEqual(['a/x/1', 'b/2']);
    expect([...(await forge.read([])).keys()]).toEqual(['a/b', 'a/x/1', 'a0', 'ab/3', 'b/2']);
  });

  test('a folder that is a file, or is not there, holds nothing', async () => {
    const forge = await make(files({ a: 'a file' }));
    expect([...(await forge.read(['a', 'nowhere']))]).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['no newline at the end', 'x'],
    ['CRLF', 'a\r\nb\r\n'],
    ['a byte order mark', '\ufeffa\n'],
    ['other scripts', 'ключ 鍵 🔑\n'],
    ['a megabyte', 'x'.repeat(1_000_000)],
  ])('content comes back as it was written: %s', async (_, content) => {
    const forge = await make(new Map());
    await forge.apply(plan([write('a/b', content)]), 'write');
    expect((await forge.read(['a'])).get('a/b')).toBe(content);
  });
}

function describeApplying(make: (existing: Files) => Promise<Forge>): void {
  test('writes, overwrites and deletes, and leaves the rest alone', async () => {
    const forge = await make(files({ 'a/old': 'old', 'a/kept': 'kept', 'a/deep/gone': 'gone' }));
    await forge.apply(
      plan([remove('a/deep/gone'), write('a/new/file', 'new'), write('a/old', 'newer')]),
      'change',
    );
    expect(await forge.read([])).toEqual(files({ 'a/kept': 'kept', 'a/new/file': 'new', 'a/old': 'newer' }));
  });

  test('an empty plan makes no commit', async () => {
    const forge = await make(files({ a: '1' }));
    expect(await forge.apply(plan([]), 'nothing')).toBeUndefined();
    expect(await forge.read([])).toEqual(files({ a: '1' }));
  });

  test('deleting what is not there is no error', async () => {
    const forge = await make(files({ a: '1' }));
    await forge.apply(plan([remove('b/c')]), 'delete');
    expect(await forge.read([])).toEqual(files({ a: '1' }));
  });

  test('a file may become a folder, and a folder a file', async () => {
    const forge = await make(files({ a: 'file', 'b/c': 'in a folder' }));
    await forge.apply(plan([remove('a'), write('a/x', '1'), write('b', '2'), remove('b/c')]), 'swap');
    expect(await forge.read([])).toEqual(files({ 'a/x': '1', b: '2' }));
  });

  test('what was planned and applied leaves nothing to plan', async () => {
    const existing = files({ 'clusters/a/1': 'ours', 'clusters/a/2': 'ours', 'clusters/b': 'theirs' });
    const wanted = files({ 'clusters/a/1': 'ours, new', 'clusters/c/ü/3': 'ours' });
    const isOurs = (_: string, content: string): boolean => content.startsWith('ours');
    const forge = await make(existing);
    await forge.apply(planChanges(wanted, await forge.read(['clusters']), isOurs), 'first');
    const after = await forge.read(['clusters']);
    expect(after).toEqual(new Map([...wanted, ['clusters/b', 'theirs']]));
    expect(planChanges(wanted, after, isOurs).changes).toEqual([]);
  });
}

function describeRefusing(make: (existing: Files) => Promise<Forge>): void {
  test.each(REFUSED_PATHS)('refuses %j before it touches anything', async (path) => {
    const forge = await make(files({ a0: '1' }));
    for (const change of [write(path, 'x'), remove(path)]) {
      await expect(forge.apply(plan([write('a00', '2'), change]), 'bad')).rejects.toThrow(PublishError);
    }
    expect(await forge.read([])).toEqual(files({ a0: '1' }));
  });

  test('refuses to write below a file', async () => {
    const forge = await make(files({ a: 'file' }));
    await expect(forge.apply(plan([write('a/b', 'x')]), 'bad')).rejects.toThrow(PublishError);
    expect(await forge.read([])).toEqual(files({ a: 'file' }));
  });
}

function files(content: Readonly<Record<string, string>>): Files {
  return new Map(Object.entries(content));
}

function plan(changes: readonly PlannedChange[]): Plan {
  return { changes, foreign: [] };
}

function write(path: string, content: string): PlannedChange {
  return { action: 'write', path, content };
}

function remove(path: string): PlannedChange {
  return { action: 'delete', path };
}
