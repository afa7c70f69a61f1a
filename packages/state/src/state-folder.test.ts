import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { deltasOf, identityOf, type SampleRequest, stateOf } from './conformance/deltas.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { openEmbeddedStore, openStoreOn } from './embedded-store.ts';
import { copyAsAfterCrash, temporaryFolder } from './testing/folder.ts';
import { applyNext, requestsUpTo } from './testing/requests.ts';
import { StateError, type SubjectStore } from './types.ts';

let path: string;
let remove: () => Promise<void>;
let dir: string;
beforeEach(async () => {
  ({ path, remove } = await temporaryFolder());
  dir = join(path, 'a/state');
});
afterEach(() => remove());

const KEY = '00112233445566ff';

async function applyBatches(store: SubjectStore, count: number): Promise<void> {
  const claim = await store.claim('log');
  const from = Number(claim.position);
  for (let n = from; n < from + count; n += 1) expect(await applyNext(store, claim, n)).toBe('applied');
}

/** A state on disk, and nobody who has it open. */
async function saved(batches: number, where = dir): Promise<void> {
  await using store = await openEmbeddedStore({ dir: where, identityKey: KEY });
  await applyBatches(store, batches);
}

async function contents(where = dir): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const file of (await readdir(where)).sort()) {
    files.set(file, (await readFile(join(where, file))).toString('base64'));
  }
  return files;
}

function stateFile(where = dir): string {
  return join(where, 'state.ndjson');
}

async function fingerprintsFile(): Promise<string> {
  const file = (await readdir(dir)).find((name) => name.startsWith('fingerprints-'));
  return join(dir, file ?? 'none');
}

describe('a folder with a state', () => {
  it('can be entered and read by its owner only, since it holds names of people', async () => {
    await using store = await openEmbeddedStore({ dir });
    await applyBatches(store, 1);
    await store.flush();
    const modes = new Map<string, number>();
    for (const name of await readdir(dir)) {
      modes.set(name.replace(/-.*/, ''), (await stat(join(dir, name))).mode & 0o777);
    }
    expect(modes).toEqual(
      new Map([
        ['fingerprints', 0o600],
        ['lock', 0o600],
        ['state.ndjson', 0o600],
      ]),
    );
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(path, 'a'))).mode & 0o777).toBe(0o700);
  });

  it('has the same bytes for the same state, however it came about', async () => {
    await saved(6);
    const other = join(path, 'other');
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
    expect(await contents(other)).toEqual(await contents());
  });

  it('is read back and written again as the same bytes', async () => {
    await saved(3);
    const before = await contents();
    await saved(1);
    const after = await contents();
    expect(after).not.toEqual(before);
    await saved(0);
    expect(await contents()).toEqual(after);
    const other = join(path, 'other');
    await saved(4, other);
    expect(await contents(other)).toEqual(after);
  });

  it('is not touched by a flush that has nothing new', async () => {
    await saved(2);
    const stamps = async (): Promise<unknown[]> =>
      Promise.all(
        (await readdir(dir))
          .filter((name) => !name.startsWith('lock-'))
          .map(async (name) => {
            const { ino, mtimeMs, ctimeMs } = await stat(join(dir, name));
            return [name, ino, mtimeMs, ctimeMs];
          }),
      );
    const before = await stamps();
    await using store = await openEmbeddedStore({ dir });
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
    await using store = await openEmbeddedStore({ dir });
    await store.claim('log');
    await store.flush();
    expect((await readdir(dir)).filter((name) => !name.startsWith('lock-'))).toEqual([]);
  });

  it('is cleared of what a killed process left, and of nothing else', async () => {
    await saved(2);
    const before = await contents();
    const left = ['state.ndjson.tmp', 'fingerprints.tmp', `fingerprints-${'0'.repeat(64)}.bin`];
    for (const name of left) await writeFile(join(dir, name), 'half');
    await writeFile(join(dir, 'notes.txt'), 'mine');
    await saved(0);
    expect([...(await contents()).keys()]).toEqual([...before.keys(), 'notes.txt'].sort());
  });

  it('keeps its key, and refuses another one', async () => {
    await saved(1);
    await using store = await openEmbeddedStore({ dir });
    expect((await store.claim('log')).identityKey).toBe(KEY);
    await store[Symbol.asyncDispose]();
    const wrong = openEmbeddedStore({ dir, identityKey: '0000000000000000' });
    await expect(wrong).rejects.toThrow(StateError);
    await expect(openEmbeddedStore({ dir, identityKey: KEY })).resolves.toBeDefined();
  });

  it('cannot be where a file is', async () => {
    const file = join(path, 'file');
    await writeFile(file, '');
    for (const where of [file, join(file, 'below')]) {
      const refused = openEmbeddedStore({ dir: where });
      await expect(refused).rejects.toThrow(StateError);
      await expect(refused).rejects.toThrow(where);
    }
  });
});

describe('the lock of a folder', () => {
  const start = '1';

  it('keeps the same process from opening it twice', async () => {
    await using store = await openEmbeddedStore({ dir });
    await expect(openEmbeddedStore({ dir })).rejects.toThrow(`in use by process ${process.pid}`);
    await expect(openEmbeddedStore({ dir: `${dir}/../state` })).rejects.toThrow(StateError);
    await applyBatches(store, 1);
    await store[Symbol.asyncDispose]();
    await using next = await openEmbeddedStore({ dir });
    expect((await next.claim('log')).position).toBe('1');
  });

  it.skipIf(process.platform !== 'linux')(
    'is taken over from a process whose number another one has by now',
    async () => {
      await saved(1);
      await writeFile(join(dir, `lock-${process.pid}-${start}-${hostname()}`), '');
      await saved(1);
      expect((await readdir(dir)).filter((name) => name.startsWith('lock-'))).toEqual([]);
    },
  );

  it('is not taken over from another machine, where nobody can tell who lives', async () => {
    await saved(1);
    const lock = join(dir, `lock-7-${start}-elsewhere.example`);
    await writeFile(lock, '');
    const refused = openEmbeddedStore({ dir });
    await expect(refused).rejects.toThrow('in use by process 7 on elsewhere.example');
    await expect(refused).rejects.toThrow(`remove ${lock}`);
    expect((await readdir(dir)).filter((name) => name.startsWith('lock-'))).toEqual([basename(lock)]);
    await rm(lock);
    await saved(1);
  });

  it('lets at most one of many in that come at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => openEmbeddedStore({ dir })));
    const stores = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(stores.length).toBe(1);
    for (const store of stores) await store[Symbol.asyncDispose]();
  });
});

/** A disk that writes its steps down and can be broken. */
class FaultyDisk implements Disk {
  readonly steps: string[] = [];
  /** The step, from 0, at which it breaks, and whether it is broken for ever, like that of a dead process. */
  breaksAt = Infinity;
  staysBroken = false;
  #broken = false;

  async #step<T>(name: string, work: () => Promise<T>, torn?: () => Promise<void>): Promise<T> {
    if (this.#broken && this.staysBroken) throw new Error('the process is dead');
    if (this.steps.length === this.breaksAt) {
      this.#broken = true;
      this.steps.push(`${name} fails`);
      await torn?.();
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    }
    this.steps.push(name.replace(/[0-9a-f]{64}/g, '*'));
    return work();
  }

  write(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const all = [...pieces];
    const half = (): Promise<void> => nodeDisk.write(path, [Buffer.concat(all).subarray(0, 99)]);
    return this.#step(`write ${basename(path)}`, () => nodeDisk.write(path, all), half);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(`rename to ${basename(to)}`, () => nodeDisk.rename(from, to));
  }

  syncFolder(folder: string): Promise<void> {
    return this.#step(`sync ${basename(folder)}`, () => nodeDisk.syncFolder(folder));
  }

  remove(path: string): Promise<void> {
    return this.#step(`remove ${basename(path)}`, () => nodeDisk.remove(path));
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#step('list', () => nodeDisk.list(folder));
  }
}

describe('saving', () => {
  it('makes the new durable before it is named, and removes the old after', async () => {
    const disk = new FaultyDisk();
    await using store = await openStoreOn({ dir }, disk);
    expect(disk.steps.splice(0)).toEqual([`sync a`, `sync ${basename(path)}`, 'list']);
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
    expect(await store.facts()).toEqual({ onlyReceived: 1 });
  }

  it('leaves the state before or after when it dies at any step', async () => {
    await saved(2);
    for (let step = 0, failed = true; failed; step += 1) {
      const [from, to] = [join(path, `${step}`), join(path, `${step}-crashed`)];
      await copyAsAfterCrash(dir, from);
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
    await saved(2);
    const whole = join(path, 'whole');
    await saved(4, whole);
    for (let step = 0; step < 6; step += 1) {
      const from = join(path, `${step}`);
      await copyAsAfterCrash(dir, from);
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
      expect(await contents(from)).toEqual(await contents(whole));
    }
  });

  it('gives the folder free even when the last flush fails', async () => {
    const disk = new FaultyDisk();
    const store = await openStoreOn({ dir }, disk);
    await applyBatches(store, 1);
    disk.breaksAt = disk.steps.length;
    await expect(async () => store[Symbol.asyncDispose]()).rejects.toThrow(StateError);
    await saved(1);
  });

  it('does not mix a batch into a flush that is under way', async () => {
    const store = await openEmbeddedStore({ dir });
    const claim = await store.claim('log');
    const steps = [applyNext(store, claim, 0), store.flush(), applyNext(store, claim, 1)];
    await steps[1];
    const crashed = join(path, 'crashed');
    await copyAsAfterCrash(dir, crashed);
    await Promise.all(steps);
    await using other = await openEmbeddedStore({ dir: crashed });
    expect((await other.claim('log')).position).toBe('1');
    expect(await other.read()).toEqual(stateOf(requestsUpTo(1)));
    await store[Symbol.asyncDispose]();
  });
});

/** Replaces the lines of the state, and gives them a digest that fits. */
async function rewrite(change: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(stateFile(), 'utf8')).split('\n').slice(0, -2);
  const text = change(lines)
    .map((line) => `${line}\n`)
    .join('');
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(stateFile(), `${text}${JSON.stringify(['end', digest])}\n`);
}

async function expectRefused(where: string | RegExp): Promise<void> {
  const before = await contents();
  const refused = openEmbeddedStore({ dir });
  await expect(refused).rejects.toThrow(StateError);
  await expect(refused).rejects.toThrow(where);
  // Nothing is repaired, removed or left locked.
  expect(await contents()).toEqual(before);
}

describe('a damaged state', () => {
  it('is refused wherever a byte of it changed or it was cut', async () => {
    await saved(1);
    const files = await Promise.all(
      [stateFile(), await fingerprintsFile()].map(async (file) => ({ file, good: await readFile(file) })),
    );
    const damage = fc.record({
      file: fc.constantFrom(...files),
      at: fc.oneof(fc.double({ min: 0, max: 0.999_999, noNaN: true }), fc.constantFrom(0, 0.999_999)),
      bit: fc.integer({ min: 0, max: 7 }),
      kind: fc.constantFrom('flip', 'cut', 'extend'),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file: { file, good }, at, bit, kind }) => {
        const bad = Buffer.from(good);
        const offset = Math.floor(at * good.length);
        bad.writeUInt8(bad.readUInt8(offset) ^ (1 << bit), offset);
        const versions = { flip: bad, cut: good.subarray(0, offset), extend: Buffer.concat([good, bad]) };
        await writeFile(file, versions[kind]);
        try {
          await expectRefused(file);
        } finally {
          await writeFile(file, good);
        }
      }),
    );
    await saved(1);
  });

  it('is refused when its fingerprints are gone, and never begun anew', async () => {
    await saved(1);
    const file = await fingerprintsFile();
    await rm(file);
    await expectRefused(`${file}: the fingerprints of the state are missing`);
  });

  it('is refused when it is empty, or something else', async () => {
    await mkdir(dir, { recursive: true });
    for (const [text, reason] of [
      ['', ':1: the file is cut off'],
      ['{}\n', ':1: not a state of Leastwise'],
      ['null\n', ':1: not a state of Leastwise'],
      ['hello\n', ':1: not a state of Leastwise'],
      ['{"schema":"leastwise-state","version":1', ':1: the file is cut off'],
      ['[['.repeat(100_000) + '\n', ':1: not a state of Leastwise'],
    ] as const) {
      await writeFile(stateFile(), text);
      await expectRefused(stateFile() + reason);
    }
  });

  it('is refused when it is of another version', async () => {
    await saved(1);
    await rewrite(([header = '', ...lines]) => [header.replace('"version":1', '"version":2'), ...lines]);
    await expectRefused(`${stateFile()}:1: a state of version 2; this program reads version 1 only`);
  });

  it('is refused when lines are missing in the middle, twice there, or out of order', async () => {
    const where = `${stateFile()}:`;
    await saved(1);
    const good = await readFile(stateFile());
    await rewrite((lines) => [...lines.slice(0, 20), ...lines.slice(19)]);
    await expectRefused(`${where}21: lines are out of order`);
    await writeFile(stateFile(), good);
    await rewrite((lines) => [lines[0] ?? '', ...lines.slice(1).reverse()]);
    await expectRefused(`${where}2: a rule outside a subject`);
    await writeFile(stateFile(), good.toString().replace(/\n.*\n/, '\n'));
    await expectRefused(`${where}2: a namespace outside the head of a cluster`);
    await writeFile(stateFile(), good.toString().replace(/\n\["namespace".*\n/, '\n'));
    await expectRefused(/:\d+: the digest does not fit: a line above was changed/);
  });

  const none = [0, 0, 0, 'a', 'a', [], [], 0, 0];
  const evidence = (index: number, value: unknown): unknown[] => none.with(index, value as number);
  const rule = (...values: unknown[]): unknown[] => ['allowed', 'get', '', 'pods', 'shop', null, values];
  it.each<[string, unknown, string]>([
    ['an object', { __proto__: null, length: 1 }, 'a list is missing'],
    ['a number', 5, 'a list is missing'],
    ['an empty list', [], 'a value is missing'],
    ['an unknown kind', ['__proto__'], 'a line of an unknown kind'],
    ['a rule without names', ['allowed', 'get', '', 'pods', 'shop', null], 'a value is missing'],
    ['a value too many', [...rule(), 1], 'there is a value too many'],
    ['a name without evidence', rule('a'), 'a value is missing'],
    ['a name that is a number', rule(1, none), 'a text is missing'],
    ['a name twice', rule('a', none, 'a', none), 'lines are out of order'],
    ['a negative count', rule('a', evidence(0, -1)), 'the number -1 is out of range'],
    ['a fraction', rule('a', evidence(1, 0.5)), 'a whole number is missing'],
    ['a number beyond 2^53', rule('a', evidence(2, 2 ** 53)), 'a whole number is missing'],
    ['a text for a number', rule('a', evidence(2, '1')), 'a whole number is missing'],
    ['a day out of time', rule('a', evidence(5, [200_000, 1])), 'the number 200000 is out of range'],
    ['endless days', rule('a', evidence(5, [0, 9e15])), 'the number 9000000000000000 is out of range'],
    ['days twice', rule('a', evidence(5, [5, 2, 6, 1])), 'the number 6 is out of range'],
    ['half a range of days', rule('a', evidence(5, [5])), 'a value is missing'],
    ['groups out of order', rule('a', evidence(6, ['b', 'a'])), 'texts are out of order'],
    ['clients that no bit set has', rule('a', evidence(7, 2 ** 31)), 'the number 2147483648 is out of range'],
    ['a subject of no kind', ['subject', 'constructor', '', 'x', null, null], 'a subject of an unknown kind'],
  ])('is refused when a line holds %s', async (_, line, reason) => {
    await saved(1);
    await rewrite(([header = '', cluster = '']) => [
      header,
      cluster,
      JSON.stringify(['subject', 'User', '', 'eve', null, null]),
      JSON.stringify(line),
    ]);
    await expectRefused(`${stateFile()}:4: ${reason}`);
  });

  it.each<[string, (header: string) => string, RegExp]>([
    ['a key that is none', (h) => h.replace(KEY, 'g'.repeat(16)), /:1: no key of request identities/],
    ['a way out of the folder', (h) => h.replace(/"sha256":"[^"]*"/, '"sha256":"../../x"'), /:1: no digest/],
    ['more fingerprints than there are', (h) => h.replace(/"counted":\d+/, '"counted":9e15'), /another size/],
    ['a number that is infinite', (h) => h.replace(/"counted":\d+/, '"counted":1e999'), /:1: a whole number/],
    ['positions of an object', (h) => h.replace(/"positions":.*?\]\]/, '"positions":{}'), /:1: a list/],
  ])('is refused when its header holds %s', async (_, change, reason) => {
    await saved(1);
    await rewrite(([header = '', ...lines]) => [change(header), ...lines]);
    await expectRefused(reason);
  });

  it('is told where it is damaged even in a line that is longer than any', async () => {
    const request: SampleRequest = { identity: identityOf(1), name: 'x'.repeat(3_000_000) };
    await using store = await openEmbeddedStore({ dir });
    const claim = await store.claim('a');
    await store.applyBatch({ claim, from: '', to: '1', deltas: deltasOf([request], claim) });
    await store[Symbol.asyncDispose]();
    await using again = await openEmbeddedStore({ dir });
    expect(await again.read()).toEqual(stateOf([request]));
    await again[Symbol.asyncDispose]();
    await rewrite((lines) => lines.map((line) => line.replace(/"x+"/, '1')));
    await expectRefused(`${stateFile()}:5: a text is missing`);
  });
});
