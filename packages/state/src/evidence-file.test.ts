import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { addTally, cellKey, emptyActivity, talliesOf, windowFor } from '@leastwise/activity';
import { emptyCluster, mergeCluster } from '@leastwise/rbac';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { deltasOf, identityOf, NOTHING, type SampleRequest, stateOf } from './conformance/deltas.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { exportEvidence, importEvidence, isImportSource } from './evidence-transfer.ts';
import { contentsOf, useFolder } from './testing/folder.ts';
import { requestsUpTo } from './testing/requests.ts';
import { StateError, type SubjectStore } from './types.ts';

const folder = useFolder();

function path(name: string): string {
  return join(folder.path, `file-${name}`);
}

async function storeOf(requests: readonly SampleRequest[], source = 'log'): Promise<SubjectStore> {
  const store = await openEmbeddedStore();
  const claim = await store.claim(source);
  const deltas = { ...deltasOf(requests, claim), tally: { late: 0, lost: 3 } };
  await store.applyBatch({ claim, from: '', to: '1', deltas });
  return store;
}

/** Enough for many parts. */
function manyRequests(): SampleRequest[] {
  return Array.from({ length: 3000 }, (_, n) => ({
    identity: identityOf(n),
    auditID: `${n}-`.padEnd(200, 'x'),
    us: 1_700_000_000_000_000 + n * 1_000_000,
    cluster: `cluster-${n % 2}`,
    namespace: `ns-${n % 700}`,
    name: n % 3 === 0 ? '' : `pod-${n % 5}`,
    subject: { kind: 'User', namespace: '', name: `user-${n % 3}` } as const,
    isDenied: n % 11 === 0,
  }));
}

/** As a text, for it is compared in no time. */
async function read(name: string): Promise<string> {
  return readFile(path(name), 'latin1');
}

async function bytesOf(store: SubjectStore, name: string): Promise<string> {
  await exportEvidence(store, path(name));
  return read(name);
}

/** Makes the last line fit what stands before it. */
async function sealed(name: string, lines: readonly string[]): Promise<string> {
  const text = lines.map((line) => `${line}\n`).join('');
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(path(name), `${text}${JSON.stringify(['end', digest])}\n`);
  return path(name);
}

describe('a file of evidence', () => {
  it('is the same bytes after it was imported and exported again, in however many parts', async () => {
    const bytes = await bytesOf(await storeOf(manyRequests()), 'a');
    expect(bytes.length).toBeGreaterThan(4 * (1 << 17));
    await using store = await openEmbeddedStore();
    let batches = 0;
    const spy: SubjectStore = {
      ...{ claim: (source) => store.claim(source), flush: () => store.flush() },
      ...{ read: () => store.read(), activity: () => store.activity(), whole: () => store.whole() },
      facts: () => store.facts(),
      applyBatch: (batch) => {
        batches += 1;
        return store.applyBatch(batch);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    expect(await importEvidence(spy, path('a'))).toMatchObject({ became: 'imported' });
    expect(batches).toBeGreaterThan(4);
    expect(await bytesOf(store, 'b')).toBe(bytes);
  });

  it('says nothing of how it came to be known', async () => {
    const requests = requestsUpTo(3);
    const [front, back] = [requests.slice(0, 50), requests.slice(50)];
    const whole = await bytesOf(await storeOf(requests), 'whole');
    const store = await storeOf(back, 'other');
    const claim = await store.claim('third');
    const deltas = deltasOf(front, claim, [identityOf(7_000_000)]);
    await store.applyBatch({ claim, from: '', to: '9', deltas });
    expect(await bytesOf(store, 'parts')).toBe(whole);
    expect(whole.split('\n')[0]).toBe(
      '{"schema":"leastwise-evidence","version":5,"tally":{"late":0,"lost":3}}',
    );
  });

  it('says which bindings allowed what, and until which day', async () => {
    const requests = requestsUpTo(1).map((each, n) => ({ ...each, binding: `ns1/b-${n % 3}/Role/r` }));
    const bytes = await bytesOf(await storeOf(requests), 'a');
    expect(bytes).toContain('["ns1/b-1/Role/r",19675]]');
    await using other = await openEmbeddedStore();
    await importEvidence(other, path('a'));
    expect(await bytesOf(other, 'b')).toBe(bytes);
    expect(await other.read()).toEqual(stateOf(requests));
  });

  it('of the version before, which named no bindings, is read', async () => {
    const good = await bytesOf(await storeOf(requestsUpTo(1)), 'a');
    const [header = '', ...lines] = good.split('\n').slice(0, -2);
    await sealed('old', [header.replace('"version":5', '"version":2'), ...lines]);
    await using store = await openEmbeddedStore();
    expect((await importEvidence(store, path('old'))).became).toBe('imported');
    expect(await bytesOf(store, 'b')).toBe(good);
  });

  it('is packed where its name says so, to the same bytes every time and with the same digest', async () => {
    const store = await storeOf(manyRequests());
    const plain = await exportEvidence(store, path('a.ndjson'));
    const packed = await exportEvidence(store, path('a.ndjson.gz'));
    expect(packed).toEqual(plain);
    const unpacked = gunzipSync(await readFile(path('a.ndjson.gz')));
    expect(unpacked.toString('latin1')).toBe(await read('a.ndjson'));
    expect(await bytesOf(store, 'b.gz')).toBe(await read('a.ndjson.gz'));
    await using other = await openEmbeddedStore();
    expect((await importEvidence(other, path('a.ndjson.gz'))).became).toBe('imported');
    expect((await importEvidence(other, path('a.ndjson'))).became).toBe('known');
    expect(await bytesOf(other, 'c')).toBe(await read('a.ndjson'));
  });

  it("is its owner's alone, and leaves nothing else behind", async () => {
    await exportEvidence(await storeOf(requestsUpTo(1)), path('a'));
    expect((await stat(path('a'))).mode & 0o777).toBe(0o600);
    await expect(exportEvidence(await storeOf([]), path('none/a'))).rejects.toThrow(StateError);
    expect(await readdir(folder.path)).toEqual(['file-a']);
  });

  it('keeps windows and what was late or lost', async () => {
    const store = await openEmbeddedStore();
    const claim = await store.claim('log');
    const { clusters, counted } = deltasOf(requestsUpTo(1), claim);
    const activity = emptyActivity('default');
    const window = windowFor(activity, '1h', 472_222);
    const tally = { count: 3, firstUs: 1_700_000_000_000_000, lastUs: 1_700_000_000_000_009 };
    const cell = { verb: 'escalate', resource: 'secrets', outcome: 'allowed', sender: undefined } as const;
    expect(addTally(window, cellKey(cell), tally)).toBe(true);
    await store.applyBatch({
      ...{ claim, from: '', to: '1' },
      deltas: {
        ...{ ...NOTHING, clusters, counted, activity: new Map([['default', activity]]) },
        tally: { late: 2, lost: 5 },
      },
    });
    const bytes = await bytesOf(store, 'a');
    expect(bytes).toContain('["window","1h",472222,');
    await using other = await openEmbeddedStore();
    await importEvidence(other, path('a'));
    expect(await other.facts()).toEqual({ onlyReceived: 0, late: 2, lost: 5 });
    const [read] = await other.activity();
    expect([...(read?.windows.values() ?? [])].flatMap((each) => [...talliesOf(each)])).toHaveLength(1);
    expect(await bytesOf(other, 'b')).toBe(bytes);
  });
});

describe('an import', () => {
  it('changes nothing the second time, nor after more evidence came', async () => {
    await exportEvidence(await storeOf(manyRequests()), path('a'));
    await using store = await openEmbeddedStore();
    await importEvidence(store, path('a'));
    const claim = await store.claim('log');
    const more = deltasOf(requestsUpTo(2), claim);
    await store.applyBatch({ claim, from: '', to: '1', deltas: more });
    const before = await bytesOf(store, 'b');
    expect((await importEvidence(store, path('a'))).became).toBe('known');
    expect(await bytesOf(store, 'c')).toBe(before);
  });

  it('adds to what is there as stores merge: counts add, the rest unites', async () => {
    const [requests, others] = [manyRequests(), requestsUpTo(4)];
    const file = await storeOf(requests);
    await exportEvidence(file, path('a'));
    const store = await storeOf(others);
    await importEvidence(store, path('a'));
    const expected = new Map<string, ReturnType<typeof emptyCluster>>();
    for (const state of [...(await file.read()), ...(await (await storeOf(others)).read())]) {
      const cluster = expected.get(state.cluster) ?? emptyCluster(state.cluster);
      mergeCluster(cluster, state);
      expected.set(state.cluster, cluster);
    }
    const merged = new Map((await store.read()).map((state) => [state.cluster, state]));
    expect(merged).toEqual(expected);
  });

  it('goes on where it was broken off, wherever that was', async () => {
    const bytes = await bytesOf(await storeOf(manyRequests()), 'a');
    for (const stopAfter of [0, 1, 3]) {
      const dir = path(`state-${stopAfter}`);
      {
        await using store = await openEmbeddedStore({ dir });
        const stop = new AbortController();
        let batches = 0;
        const stopping = new Proxy(store, {
          get: (target, name) => {
            if (name === 'applyBatch' && batches++ === stopAfter) stop.abort(new Error('stopped'));
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        });
        await expect(importEvidence(stopping, path('a'), stop.signal)).rejects.toThrow('stopped');
      }
      await using store = await openEmbeddedStore({ dir });
      expect((await importEvidence(store, path('a'))).became).toBe('imported');
      expect((await importEvidence(store, path('a'))).became).toBe('known');
      expect(await bytesOf(store, 'b')).toBe(bytes);
    }
  });

  it('is told from a topic that is called import', () => {
    expect(isImportSource(`import/${'0'.repeat(64)}`)).toBe(true);
    expect(isImportSource('import/0')).toBe(false);
  });
});

describe('a file that is no good', () => {
  async function expectRefused(name: string, reason: string | RegExp): Promise<void> {
    await using store = await openEmbeddedStore({ dir: folder.dir });
    const refused = importEvidence(store, path(name));
    await expect(refused).rejects.toThrow(StateError);
    await expect(refused).rejects.toThrow(reason);
    await store[Symbol.asyncDispose]();
    // Not even a position was kept of it.
    expect(await contentsOf(folder.dir)).toEqual(new Map());
  }

  it('is refused wherever a byte of it changed or it was cut', async () => {
    await exportEvidence(await storeOf(requestsUpTo(1)), path('a'));
    const good = await readFile(path('a'));
    const packed = gzipSync(good);
    const damage = fc.record({
      file: fc.constantFrom({ bytes: good, name: 'bad' }, { bytes: packed, name: 'bad.gz' }),
      millionths: fc.integer({ min: 0, max: 999_999 }),
      bit: fc.integer({ min: 0, max: 7 }),
      kind: fc.constantFrom('flip', 'cut', 'extend'),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file: { bytes, name }, millionths, bit, kind }) => {
        const bad = Buffer.from(bytes);
        const offset = Math.floor((millionths / 1e6) * bytes.length);
        // Bytes 3 to 9 of gzip say when and where it was packed.
        fc.pre(name === 'bad' || kind !== 'flip' || offset > 9 || offset < 3);
        // What follows a whole member of gzip and is none is ignored by who unpacks it.
        fc.pre(name === 'bad' || kind !== 'extend');
        bad.writeUInt8(bad.readUInt8(offset) ^ (1 << bit), offset);
        const bytesOfKind = {
          flip: bad,
          cut: bytes.subarray(0, offset),
          extend: Buffer.concat([bytes, bad]),
        };
        await writeFile(path(name), bytesOfKind[kind]);
        await expectRefused(name, new RegExp(`${name}:\\d+: `));
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    [
      'of a newer version',
      1,
      (lines: string[]) => lines.with(0, (lines[0] ?? '').replace('"version":5', '"version":99')),
    ],
    [
      'of a version that is none',
      1,
      (lines: string[]) => lines.with(0, (lines[0] ?? '').replace('3', '"3"')),
    ],
    [
      'a state, which is no export',
      1,
      (lines: string[]) => lines.with(0, '{"schema":"leastwise-state","version":5}'),
    ],
    ['something else', 1, (lines: string[]) => lines.with(0, '[]')],
    ['without a tally', 1, (lines: string[]) => lines.with(0, '{"schema":"leastwise-evidence","version":5}')],
    ['without a cluster', 2, (lines: string[]) => lines.toSpliced(1, 1)],
    ['with an unknown line', 2, (lines: string[]) => lines.toSpliced(1, 0, '["constructor"]')],
    ['with a negative count', 21, (lines: string[]) => lines.map((line) => line.replace('",[1,', '",[-1,'))],
  ])('is refused where it is %s, though its digest fits', async (_, line, change) => {
    const good = await bytesOf(await storeOf(requestsUpTo(1)), 'a');
    await sealed('bad', change(good.split('\n').slice(0, -2)));
    await expectRefused('bad', `bad:${line}: `);
  });

  it('is refused where it is empty, missing or a folder', async () => {
    await writeFile(path('empty'), '');
    await expectRefused('empty', 'empty:1: the file is cut off');
    await sealed('headless', []);
    await expectRefused('headless', 'headless:1: not evidence of Leastwise');
    await expectRefused('missing', 'missing: cannot be read');
    await mkdir(path('folder'));
    await expectRefused('folder', 'cannot be read');
  });

  it('is refused where it changed between the check and the import', async () => {
    await exportEvidence(await storeOf(requestsUpTo(1)), path('a'));
    await exportEvidence(await storeOf(requestsUpTo(2)), path('b'));
    await using store = await openEmbeddedStore();
    const swapping = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'claim') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return async (source: string) => {
          await writeFile(path('a'), await readFile(path('b')));
          return target.claim(source);
        };
      },
    });
    await expect(importEvidence(swapping, path('a'))).rejects.toThrow('the file was changed meanwhile');
    expect(await store.read()).toEqual([]);
  });
});
