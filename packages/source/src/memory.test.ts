import { describe, expect, it } from 'vitest';
import { sinkChecks, sourceChecks } from './conformance.ts';
import { createDeliveryLedger } from './delivery-ledger.ts';
import { createMemoryDeadLetters, createMemorySource } from './memory.ts';
import type { SourceChunk } from './types.ts';

describe('createMemorySource', () => {
  for (const check of sourceChecks) {
    it(check.name, () =>
      check.run(async (contents) =>
        createMemorySource(contents.map((bytes, i) => ({ origin: `o${String(i)}`, pieces: [bytes] }))),
      ),
    );
  }

  it('tells damage with the last chunk of the origin only', async () => {
    const source = createMemorySource([
      { origin: 'cut', pieces: [Buffer.from('a'), Buffer.from('b')], damage: 'cut short' },
      { origin: 'whole', pieces: [] },
    ]);
    const seen: SourceChunk[] = [];
    for await (const chunk of source.chunks(new AbortController().signal)) seen.push(chunk);
    expect(seen.map(({ origin, damage, endsOrigin }) => ({ origin, damage, endsOrigin }))).toEqual([
      { origin: 'cut', damage: undefined, endsOrigin: false },
      { origin: 'cut', damage: undefined, endsOrigin: false },
      { origin: 'cut', damage: 'cut short', endsOrigin: true },
      { origin: 'whole', damage: undefined, endsOrigin: true },
    ]);
    expect(source.acknowledged()).toBe(0);
    await source.acknowledge(3);
    expect(source.acknowledged()).toBe(3);
  });
});

describe('createDeliveryLedger', () => {
  it('refuses fractions, NaN and the future', () => {
    const ledger = createDeliveryLedger();
    ledger.deliver();
    for (const position of [0.5, Number.NaN, 2, -1]) {
      expect(() => {
        ledger.acknowledge(position);
      }).toThrow(RangeError);
    }
    ledger.acknowledge(1);
    expect([ledger.delivered(), ledger.acknowledged()]).toEqual([1, 1]);
  });
});

describe('createMemoryDeadLetters', () => {
  for (const check of sinkChecks) {
    it(check.name, () =>
      check.run(async () => {
        const sink = createMemoryDeadLetters();
        return { sink, countDurable: async () => sink.letters.length };
      }),
    );
  }

  it('copies the bytes, which the reader will overwrite', async () => {
    const sink = createMemoryDeadLetters();
    const bytes = Buffer.from('abc');
    sink.write({ origin: 'o', line: 1, reason: 'malformed', detail: '', bytes });
    bytes.fill(0);
    await sink.close();
    expect(Buffer.from(sink.letters[0]?.bytes ?? []).toString()).toBe('abc');
  });
});
