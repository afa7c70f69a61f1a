import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { daysOf, plainDays } from './conformance/days.ts';
import { deltasOf, identityOf, NOTHING_COUNTED, type SampleRequest, stateOf } from './conformance/deltas.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { contentsOf, KEY, saved, useFolder } from './testing/folder.ts';
import { requestsUpTo } from './testing/requests.ts';
import { StateError } from './types.ts';

const folder = useFolder();

function stateFile(): string {
  return join(folder.dir, 'state.ndjson');
}

async function fingerprintsFile(): Promise<string> {
  const file = (await readdir(folder.dir)).find((name) => name.startsWith('fingerprints-'));
  return join(folder.dir, file ?? 'none');
}

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
  const before = await contentsOf(folder.dir);
  const refused = openEmbeddedStore({ dir: folder.dir });
  await expect(refused).rejects.toThrow(StateError);
  await expect(refused).rejects.toThrow(where);
  // Nothing is repaired, removed or left locked.
  expect(await contentsOf(folder.dir)).toEqual(before);
}

describe('a damaged state', () => {
  it('is refused wherever a byte of it changed or it was cut', async () => {
    await saved(1, folder.dir);
    const files = await Promise.all(
      [stateFile(), await fingerprintsFile()].map(async (file) => ({ file, good: await readFile(file) })),
    );
    const damage = fc.record({
      file: fc.constantFrom(...files),
      millionths: fc.integer({ min: 0, max: 999_999 }),
      bit: fc.integer({ min: 0, max: 7 }),
      kind: fc.constantFrom('flip', 'cut', 'extend'),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file: { file, good }, millionths, bit, kind }) => {
        const bad = Buffer.from(good);
        const offset = Math.floor((millionths / 1e6) * good.length);
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
    await saved(1, folder.dir);
  });

  it('is refused when its fingerprints are gone, and never begun anew', async () => {
    await saved(1, folder.dir);
    const file = await fingerprintsFile();
    await rm(file);
    await expectRefused(`${file}: the fingerprints of the state are missing`);
  });

  it('is refused when it is empty, or something else', async () => {
    await mkdir(folder.dir, { recursive: true });
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
    await saved(1, folder.dir);
    await rewrite(([header = '', ...lines]) => [header.replace('"version":5', '"version":6'), ...lines]);
    await expectRefused(`${stateFile()}:1: a state of version 6; this program reads versions 1 to 5`);
  });

  it('is read when it is of the first version, which tallied nothing', async () => {
    await saved(1, folder.dir);
    await rewrite(([header = '', ...lines]) => [
      header.replace('"version":5', '"version":1').replace('"tally":{"late":0,"lost":0},', ''),
      ...lines,
    ]);
    await using store = await openEmbeddedStore({ dir: folder.dir });
    expect(await store.facts()).toEqual({ onlyReceived: 1, late: 0, lost: 0 });
    expect(await store.read()).toEqual(stateOf(requestsUpTo(1)));
  });

  it('is read when it is of the fourth version, which had days without finds', async () => {
    const activity = daysOf([{ n: 1, us: 1_700_000_000_000_000, cluster: 'default' }]);
    {
      await using before = await openEmbeddedStore({ dir: folder.dir });
      const deltas = { ...deltasOf(requestsUpTo(1), NOTHING_COUNTED), activity };
      await before.applyBatch({ claim: await before.claim('a'), from: '', to: '1', deltas });
    }
    await rewrite(([header = '', ...lines]) => [
      header.replace('"version":5', '"version":4'),
      ...lines.map((line) => (line.startsWith('["day"') ? line.replace(/,\[\]\]$/, ']') : line)),
    ]);
    expect(await readFile(stateFile(), 'utf8')).toContain('["day",19675,0,0,[]]\n');
    await using store = await openEmbeddedStore({ dir: folder.dir });
    expect(plainDays(await store.activity())).toEqual(plainDays(activity.values()));
  });

  it('is read when it is of the third version, which had no days', async () => {
    await saved(1, folder.dir);
    await rewrite(([header = '', ...lines]) => [header.replace('"version":5', '"version":3'), ...lines]);
    await using store = await openEmbeddedStore({ dir: folder.dir });
    expect(await store.read()).toEqual(stateOf(requestsUpTo(1)));
  });

  it('is read when it is of the second version, which named no bindings', async () => {
    const requests = requestsUpTo(1);
    await saved(1, folder.dir);
    await rewrite(([header = '', ...lines]) => [header.replace('"version":5', '"version":2'), ...lines]);
    await using store = await openEmbeddedStore({ dir: folder.dir });
    expect(await store.read()).toEqual(stateOf(requests));
    const claim = await store.claim('more');
    const more = { ...requests[0], identity: identityOf(9_000), binding: 'ns1/b/Role/r' };
    await store.applyBatch({ claim, from: '', to: '1', deltas: deltasOf([more], claim) });
    await store.flush();
    expect(await readFile(stateFile(), 'utf8')).toMatch(/^\{"schema":"leastwise-state","version":5,/);
    expect(await store.read()).toEqual(stateOf([...requests, more]));
  });

  it('is refused when lines are missing in the middle, twice there, or out of order', async () => {
    const where = `${stateFile()}:`;
    await saved(1, folder.dir);
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

  it('is refused when a line is not UTF-8', async () => {
    await saved(1, folder.dir);
    const bytes = await readFile(stateFile());
    bytes.writeUInt8(0xff, bytes.indexOf('ns-1') + 1);
    await writeFile(stateFile(), bytes);
    await expectRefused(/:\d+: not UTF-8/);
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
    ['bindings of none', rule('a', [...none, []]), 'a value is missing'],
    ['a binding without a day', rule('a', [...none, ['a']]), 'a value is missing'],
    ['bindings out of order', rule('a', [...none, ['b', 1, 'a', 1]]), 'bindings are out of order'],
    ['a binding twice', rule('a', [...none, ['b', 1, 'b', 2]]), 'bindings are out of order'],
    ['a binding out of time', rule('a', [...none, ['b', 200_000]]), 'the number 200000 is out of range'],
    ['more than bindings', rule('a', [...none, ['b', 1], 1]), 'there is a value too many'],
    ['a subject of no kind', ['subject', 'constructor', '', 'x', null, null], 'a subject of an unknown kind'],
  ])('is refused when a line holds %s', async (_, line, reason) => {
    await saved(1, folder.dir);
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
    await saved(1, folder.dir);
    await rewrite(([header = '', ...lines]) => [change(header), ...lines]);
    await expectRefused(reason);
  });

  it('is told where it is damaged even in a line that is longer than any', async () => {
    const request: SampleRequest = { identity: identityOf(1), name: 'x'.repeat(3_000_000) };
    await using store = await openEmbeddedStore({ dir: folder.dir });
    const claim = await store.claim('a');
    await store.applyBatch({ claim, from: '', to: '1', deltas: deltasOf([request], claim) });
    await store[Symbol.asyncDispose]();
    await using again = await openEmbeddedStore({ dir: folder.dir });
    expect(await again.read()).toEqual(stateOf([request]));
    await again[Symbol.asyncDispose]();
    await rewrite((lines) => lines.map((line) => line.replace(/"x+"/, '1')));
    await expectRefused(`${stateFile()}:5: a text is missing`);
  });
});
