import { createMemorySource, type SourceChunk } from '@leastwise/source';
import { expect, test } from 'vitest';

import { readLive } from './live.ts';

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads some pieces with a clock that goes on by itself, and tells what was done in which order. */
async function stepsOf(
  pieces: readonly string[],
  options: { stepMs: number; fails?: number } = { stepMs: 0 },
) {
  const source = createMemorySource([{ origin: 'a', pieces: pieces.map(encoded) }]);
  const steps: string[] = [];
  let [nowMs, failures] = [0, options.fails ?? 0];
  await readLive({
    source,
    signal: new AbortController().signal,
    now: () => (nowMs += options.stepMs),
    intervalMs: 1000,
    take: ({ bytes }: SourceChunk) => steps.push(`take ${Buffer.from(bytes).toString()}`),
    save: () => {
      steps.push(`save, acknowledged ${source.acknowledged()}`);
      return Promise.resolve();
    },
    publish: () => {
      steps.push('publish');
      failures -= 1;
      return Promise.resolve(failures < 0);
    },
  });
  return { steps, acknowledged: source.acknowledged() };
}

test('what was taken is saved before it is acknowledged, and all of it is in the end', async () => {
  const { steps, acknowledged } = await stepsOf(['one', 'two']);
  expect(steps).toEqual([
    'take one',
    'save, acknowledged 0',
    'take two',
    'take ',
    'save, acknowledged 1',
    'publish',
  ]);
  expect(acknowledged).toBe(3);
});

test('it publishes at its interval, and only what was saved', async () => {
  const { steps } = await stepsOf(['one', 'two', 'three', 'four'], { stepMs: 400 });
  const published = steps.flatMap((step, index) => (step === 'publish' ? [index] : []));
  expect(published.length).toBeGreaterThan(1);
  for (const index of published) {
    const before = steps.slice(0, index).reverse();
    expect(before.findIndex((step) => step.startsWith('save'))).toBeLessThan(
      before.findIndex((step) => step.startsWith('take')),
    );
  }
});

test('a publication that failed is tried again', async () => {
  const { steps } = await stepsOf(['one'], { stepMs: 400, fails: 1 });
  expect(steps.filter((step) => step === 'publish').length).toBeGreaterThan(1);
});

test('what an earlier run left unpublished is published though nothing comes', async () => {
  expect((await stepsOf([])).steps.at(-1)).toBe('publish');
});

test('a source is let go of where a chunk cannot be taken', async () => {
  let isLetGo = false;
  const memory = createMemorySource([{ origin: 'a', pieces: [encoded('one'), encoded('two')] }]);
  const source = Object.assign(Object.create(memory) as typeof memory, {
    async *chunks(signal: AbortSignal) {
      try {
        yield* memory.chunks(signal);
      } finally {
        isLetGo = true;
      }
    },
  });
  const reading = readLive({
    source,
    signal: new AbortController().signal,
    now: () => 0,
    intervalMs: 1000,
    take: () => {
      throw new Error('no event');
    },
    save: () => Promise.resolve(),
    publish: () => Promise.resolve(true),
  });
  await expect(reading).rejects.toThrow('no event');
  await expect.poll(() => isLetGo).toBe(true);
});
