import { readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { deltasOf, identityOf, stateOf } from './conformance/deltas.ts';
import { openEmbeddedStore, openStoreOn } from './embedded-store.ts';
import { FaultyDisk } from './testing/faulty-disk.ts';
import { applyBatches, contentsOf, copyAsAfterCrash, KEY, saved, useFolder } from './testing/folder.ts';
import { applyNext, requestsUpTo } from './testing/requests.ts';
import { StateError } from './types.ts';

const folder = useFolder();

describe('a folder with a state', () => {
  it('can be entered and read by its owner only, since it holds names of people', async () => {
    await using store = await openEmbeddedStore({ dir: folder.dir });
    await applyBatches(store, 1);
    await store.flush();
    const modes = new Map<string, number>();
    for (const name of await readdir(folder.dir)) {
      modes.set(name.replace(/-.*/, ''), (await stat(join(folder.dir, name))).mode & 0o777);
    }
    expect(modes).toEqual(
      new Map([
        ['fingerprints', 0o600],
        ['lock', 0o600],
        ['state.ndjson', 0o600],
      ]),
    );
    expect((await stat(folder.dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder.path, 'a'))).mode & 0o777).toBe(0o700);
  });

  it('has the same bytes for the same state, however it came about', async () => {
    await saved(6, folder.dir);
    const other = join(folder.path, 'other');
    const store = await openEmbeddedStore({ dir: other, identityKey: KEY });
    const requests = [...requestsUpTo(6)].reverse();
    const claim = await store.claim('log');
    const half = requests.splice(0, 77);
    const first = deltasOf(half, claim);
    await store.applyBatch({ claim, from: '', to: 'x', deltas: first });
    await store.flush();
    const received = Array.from({ length: 6 }, (_, batch) => identityOf((batch + 1) * 40 + 1));
    const second = deltasOf([...requests, ...half], claim, received);
    await store.applyBatch({ claim, from: 'x', to: '6', deltas: second });
    await store[Symbol.asyncDispose]();
    expect(await contentsOf(other)).toEqual(await contentsOf(folder.dir));
  });

  it('is read back and written again as the same bytes', async () => {
    await saved(3, folder.dir);
    const before = await contentsOf(folder.dir);
    await saved(1, folder.dir);
    const after = await contentsOf(folder.dir);
    expect(after).not.toEqual(before);
    await saved(0, folder.dir);
    expect(await contentsOf(folder.dir)).toEqual(after);
    const other = join(folder.path, 'other');
    await saved(4, other);
    expect(await contentsOf(other)).toEqual(after);
  });

  it('is not touched by a flush that has nothing new', async () => {
    await saved(2, folder.dir);
    const stamps = async (): Promise<unknown[]> =>
      Promise.all(
        (await readdir(folder.dir))
          .filter((name) => !name.startsWith('lock-'))
          .map(async (name) => {
            const { ino, mtimeMs, ctimeMs } = await stat(join(folder.dir, name));
            return [name, ino, mtimeMs, ctimeMs];
          }),
      );
    const before = await stamps();
    await using store = await openEmbeddedStore({ dir: folder.dir });
    await store.flush();
    const claim = await store.claim('log');
    await store.applyBatch({ claim, from: '2', to: '2', deltas: deltasOf([], claim) });
    await store.flush();
    // Something came, but nothing new: the position went there and back, a known request was seen again.
    const again = deltasOf(requestsUpTo(2).slice(3, 4), claim);
    await store.applyBatch({ claim, from: '2', to: '3', deltas: again });
    await store.applyBatch({ claim, from: '3', to: '2', deltas: deltasOf([], claim) });
    await store.flush();
    expect(await stamps()).toEqual(before);
  });

  it('stays as it was, and unlocked, where nothing was ever applied', async () => {
    await using store = await openEmbeddedStore({ dir: folder.dir });
    await store.claim('log');
    await store.flush();
    expect((await readdir(folder.dir)).filter((name) => !name.startsWith('lock-'))).toEqual([]);
  });

  it('is cleared of what a killed process left, and of nothing else', async () => {
    await saved(2, folder.dir);
    const before = await contentsOf(folder.dir);
    const left = ['state.ndjson.tmp', 'fingerprints.tmp', `fingerprints-${'0'.repeat(64)}.bin`];
    for (const name of left) await writeFile(join(folder.dir, name), 'half');
    await writeFile(join(folder.dir, 'notes.txt'), 'mine');
    await saved(0, folder.dir);
    expect([...(await contentsOf(folder.dir)).keys()]).toEqual([...before.keys(), 'notes.txt'].sort());
  });

  it('keeps its key, and refuses another one', async () => {
    await saved(1, folder.dir);
    await using store = await openEmbeddedStore({ dir: folder.dir });
    expect((await store.claim('log')).identityKey).toBe(KEY);
    await store[Symbol.asyncDispose]();
    const wrong = openEmbeddedStore({ dir: folder.dir, identityKey: '0000000000000000' });
    await expect(wrong).rejects.toThrow(StateError);
    await expect(openEmbeddedStore({ dir: folder.dir, identityKey: KEY })).resolves.toBeDefined();
  });

  it('cannot be where a file is', async () => {
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    for (const where of [file, join(file, 'below')]) {
      const refused = openEmbeddedStore({ dir: where });
      await expect(refused).rejects.toThrow(StateError);
      await expect(refused).rejects.toThrow(where);
    }
  });
});

describe('saving', () => {
  it('makes the new durable before it is named, and removes the old after', async () => {
    const disk = new FaultyDisk();
    await using store = await openStoreOn({ dir: folder.dir }, disk);
    expect(disk.steps.splice(0)).toEqual([`sync a`, `sync ${basename(folder.path)}`, 'list']);
    await applyBatches(store, 1);
    await store.flush();
    disk.steps.length = 0;
    await applyBatches(store, 1);
    await store.flush();
    expect(disk.steps.splice(0)).toEqual([
      'write fingerprints.tmp',
      'rename to fingerprints-*.bin',
      'sync state',
      'write state.ndjson.tmp',
      'rename to state.ndjson',
      'sync state',
      'list',
      'remove fingerprints-*.bin',
    ]);
    const claim = await store.claim('log');
    await store.applyBatch({ claim, from: '2', to: '3', deltas: deltasOf([], claim) });
    await store.flush();
    expect(disk.steps).toEqual(['write state.ndjson.tmp', 'rename to state.ndjson', 'sync state', 'list']);
  });

  async function expectWhole(where: string): Promise<void> {
    await using store = await openEmbeddedStore({ dir: where });
    const claim = await store.claim('log');
    expect(['2', '4']).toContain(claim.position);
    const requests = requestsUpTo(Number(claim.position));
    expect(await store.read()).toEqual(stateOf(requests));
    expect(requests.every(({ identity }) => claim.isCounted(identity))).toBe(true);
    expect(claim.isCounted(identityOf(requests.length))).toBe(false);
    expect(await store.facts()).toMatchObject({ onlyReceived: 1 });
  }

  it('leaves the state before or after when it dies at any step', async () => {
    await saved(2, folder.dir);
    for (let step = 0, failed = true; failed; step += 1) {
      const [from, to] = [join(folder.path, `${step}`), join(folder.path, `${step}-crashed`)];
      await copyAsAfterCrash(folder.dir, from);
      const disk = new FaultyDisk();
      const store = await openStoreOn({ dir: from }, disk);
      await applyBatches(store, 2);
      disk.breaksAt = disk.steps.length + step;
      disk.staysBroken = true;
      failed = await store.flush().then(
        () => disk.steps.at(-1)?.endsWith('fails') === true,
        () => true,
      );
      await copyAsAfterCrash(from, to);
      await expectWhole(to);
      if (!failed) expect(step).toBeGreaterThanOrEqual(8);
    }
  });

  it('loses nothing on a full disk, says so, and goes on when there is room again', async () => {
    await saved(2, folder.dir);
    const whole = join(folder.path, 'whole');
    await saved(4, whole);
    for (let step = 0; step < 6; step += 1) {
      const from = join(folder.path, `${step}`);
      await copyAsAfterCrash(folder.dir, from);
      const disk = new FaultyDisk();
      const store = await openStoreOn({ dir: from }, disk);
      await applyBatches(store, 2);
      disk.breaksAt = disk.steps.length + step;
      const flushed = store.flush();
      await expect(flushed).rejects.toThrow(StateError);
      await expect(flushed).rejects.toThrow(`${from}: cannot write the state: ENOSPC`);
      expect((await readdir(from)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      await store.flush();
      await store[Symbol.asyncDispose]();
      expect(await contentsOf(from)).toEqual(await contentsOf(whole));
    }
  });

  it('writes again after a switch that may not last, even what was there before', async () => {
    const disk = new FaultyDisk();
    await using store = await openStoreOn({ dir: folder.dir }, disk);
    await applyBatches(store, 2);
    await store.flush();
    const claim = await store.claim('log');
    await store.applyBatch({ claim, from: '2', to: '3', deltas: deltasOf([], claim) });
    disk.steps.length = 0;
    disk.breaksAt = 2;
    await expect(store.flush()).rejects.toThrow(StateError);
    expect(disk.steps.slice(0, 3)).toEqual([
      'write state.ndjson.tmp',
      'rename to state.ndjson',
      'sync state fails',
    ]);
    await store.applyBatch({ claim, from: '3', to: '2', deltas: deltasOf([], claim) });
    await store.flush();
    const crashed = join(folder.path, 'crashed');
    await copyAsAfterCrash(folder.dir, crashed);
    await using other = await openEmbeddedStore({ dir: crashed });
    expect((await other.claim('log')).position).toBe('2');
  });

  it('gives the folder free even when the last flush fails', async () => {
    const disk = new FaultyDisk();
    const store = await openStoreOn({ dir: folder.dir }, disk);
    await applyBatches(store, 1);
    disk.breaksAt = disk.steps.length;
    await expect(async () => store[Symbol.asyncDispose]()).rejects.toThrow(StateError);
    await saved(1, folder.dir);
  });

  it('does not mix a batch into a flush that is under way', async () => {
    const store = await openEmbeddedStore({ dir: folder.dir });
    const claim = await store.claim('log');
    const steps = [applyNext(store, claim, 0), store.flush(), applyNext(store, claim, 1)];
    await steps[1];
    const crashed = join(folder.path, 'crashed');
    await copyAsAfterCrash(folder.dir, crashed);
    await Promise.all(steps);
    await using other = await openEmbeddedStore({ dir: crashed });
    expect((await other.claim('log')).position).toBe('1');
    expect(await other.read()).toEqual(stateOf(requestsUpTo(1)));
    await store[Symbol.asyncDispose]();
  });
});
