import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { PublishError } from '@leastwise/publish';
import type { Plan, PlannedChange } from '@leastwise/publish';
import { describeForge } from '@leastwise/publish/conformance';

import { openDirectoryForge } from './directory-forge.ts';
import { put, temporaryDirectory } from './testing/temporary.ts';

describeForge('directory', (existing) => openDirectoryForge(temporaryDirectory(existing)));

function plan(...changes: PlannedChange[]): Plan {
  return { changes, foreign: [] };
}

const write = (path: string, content = 'new'): PlannedChange => ({ action: 'write', path, content });
const remove = (path: string): PlannedChange => ({ action: 'delete', path });

describe('openDirectoryForge', () => {
  test('a root that is not there is empty, and made by the first write', async () => {
    const root = join(temporaryDirectory(), 'a/b');
    const forge = await openDirectoryForge(root);
    expect([...(await forge.read([]))]).toEqual([]);
    expect(existsSync(root)).toBe(false);
    expect(await forge.apply(plan(write('c/d')), '')).toBeUndefined();
    expect(readFileSync(join(root, 'c/d'), 'utf8')).toBe('new');
  });

  test('a root that is a file is refused', async () => {
    const root = temporaryDirectory(new Map([['file', '']]));
    await expect(openDirectoryForge(join(root, 'file'))).rejects.toThrow(PublishError);
    await expect(openDirectoryForge(join(root, 'file/x'))).rejects.toThrow(PublishError);
  });

  test('a root may be a symbolic link', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'real'));
    symlinkSync('real', join(root, 'link'));
    await (await openDirectoryForge(join(root, 'link'))).apply(plan(write('a')), '');
    expect(readFileSync(join(root, 'real/a'), 'utf8')).toBe('new');
  });

  test('folders that a deletion empties go, others stay', async () => {
    const root = temporaryDirectory(
      new Map([
        ['a/b/c/1', ''],
        ['a/b/c/2', ''],
        ['a/kept', ''],
      ]),
    );
    mkdirSync(join(root, 'empty/of/somebody'), { recursive: true });
    const forge = await openDirectoryForge(root);
    await forge.apply(plan(remove('a/b/c/1')), '');
    expect(existsSync(join(root, 'a/b/c'))).toBe(true);
    await forge.apply(plan(remove('a/b/c/2')), '');
    expect(existsSync(join(root, 'a/b'))).toBe(false);
    expect(readdirSync(root).sort()).toEqual(['a', 'empty']);
    await forge.apply(plan(remove('a/kept')), '');
    expect(existsSync(root)).toBe(true);
  });

  test('an overwritten file keeps its permission bits, and no temporary file stays', async () => {
    const root = temporaryDirectory(new Map([['a/b', 'old']]));
    chmodSync(join(root, 'a/b'), 0o666);
    await (await openDirectoryForge(root)).apply(plan(write('a/b'), write('a/c')), '');
    expect(statSync(join(root, 'a/b')).mode & 0o777).toBe(0o666);
    expect(readdirSync(join(root, 'a'))).toEqual(['b', 'c']);
  });

  test('what a killed run left half written is not read, does not keep a folder, and goes', async () => {
    const root = temporaryDirectory(new Map([['a/b', 'old']]));
    put(root, 'a/.leastwise-0123456789abcdef.tmp', 'half');
    const forge = await openDirectoryForge(root);
    expect([...(await forge.read([])).keys()]).toEqual(['a/b']);
    await forge.apply(plan(remove('a/b')), '');
    expect(readdirSync(root)).toEqual([]);
    put(root, 'a/.leastwise-0123456789abcdef.tmp', 'half');
    await forge.apply(plan(write('a/b')), '');
    expect(readdirSync(join(root, 'a'))).toEqual(['b']);
  });

  test('git folders are not read', async () => {
    const root = temporaryDirectory(new Map([['a/b', '']]));
    put(root, '.git/config', '');
    put(root, 'a/.git/config', '');
    expect([...(await (await openDirectoryForge(root)).read([])).keys()]).toEqual(['a/b']);
  });
});

describe('symbolic links', () => {
  function withLinks(): { root: string; outside: string } {
    const outside = temporaryDirectory(new Map([['secret', 'of somebody']]));
    const root = temporaryDirectory(new Map([['a/own', 'own']]));
    symlinkSync(outside, join(root, 'a/folder'));
    symlinkSync(join(outside, 'secret'), join(root, 'a/file'));
    symlinkSync(outside, join(root, 'top'));
    return { root, outside };
  }

  test('are not followed when reading', async () => {
    const forge = await openDirectoryForge(withLinks().root);
    expect([...(await forge.read([]))]).toEqual([['a/own', 'own']]);
    expect([...(await forge.read(['a']))]).toEqual([['a/own', 'own']]);
    await expect(forge.read(['top'])).rejects.toThrow(PublishError);
  });

  test.each(['a/folder/secret', 'a/folder/new', 'a/folder', 'a/file', 'top/x/y'])(
    'are neither written nor deleted through: %s',
    async (path) => {
      const { root, outside } = withLinks();
      const forge = await openDirectoryForge(root);
      for (const change of [write(path), remove(path)]) {
        await expect(forge.apply(plan(write('a/first'), change), '')).rejects.toThrow(PublishError);
      }
      expect(readdirSync(outside)).toEqual(['secret']);
      expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('of somebody');
      expect(existsSync(join(root, 'a/first'))).toBe(false);
    },
  );

  test('a folder is never overwritten by a file', async () => {
    const root = temporaryDirectory(new Map([['a/b', '']]));
    const forge = await openDirectoryForge(root);
    await expect(forge.apply(plan(write('a')), '')).rejects.toThrow(PublishError);
    await expect(forge.apply(plan(remove('a')), '')).rejects.toThrow(PublishError);
  });

  test("a system's error names its cause", async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'a'), '');
    const forge = await openDirectoryForge(root);
    const failed = await forge.apply(plan(write('a/b/c')), '').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(PublishError);
    expect(failed).toHaveProperty('cause.code');
  });
});
