import { rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openEmbeddedStore } from './embedded-store.ts';
import { applyBatches, locksOf, saved, useFolder } from './testing/folder.ts';
import { StateError } from './types.ts';

const folder = useFolder();

describe('the lock of a folder', () => {
  const start = '1';

  it('keeps the same process from opening it twice', async () => {
    await using store = await openEmbeddedStore({ dir: folder.dir });
    await expect(openEmbeddedStore({ dir: folder.dir })).rejects.toThrow(`in use by process ${process.pid}`);
    await expect(openEmbeddedStore({ dir: `${folder.dir}/../state` })).rejects.toThrow(StateError);
    await applyBatches(store, 1);
    await store[Symbol.asyncDispose]();
    await using next = await openEmbeddedStore({ dir: folder.dir });
    expect((await next.claim('log')).position).toBe('1');
  });

  it.skipIf(process.platform !== 'linux')(
    'is taken over from a process whose number another one has by now',
    async () => {
      await saved(1, folder.dir);
      await writeFile(join(folder.dir, `lock-${process.pid}-${start}-${hostname()}`), '');
      await saved(1, folder.dir);
      expect(await locksOf(folder.dir)).toEqual([]);
    },
  );

  it('is not taken over from another machine, where nobody can tell who lives', async () => {
    await saved(1, folder.dir);
    const lock = join(folder.dir, `lock-7-${start}-elsewhere.example`);
    await writeFile(lock, '');
    const refused = openEmbeddedStore({ dir: folder.dir });
    await expect(refused).rejects.toThrow('in use by process 7 on elsewhere.example');
    await expect(refused).rejects.toThrow(`remove ${lock}`);
    expect(await locksOf(folder.dir)).toEqual([basename(lock)]);
    await rm(lock);
    await saved(1, folder.dir);
  });

  it('lets at most one of many in that come at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => openEmbeddedStore({ dir: folder.dir })),
    );
    const stores = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(stores.length).toBe(1);
    for (const store of stores) await store[Symbol.asyncDispose]();
  });
});
