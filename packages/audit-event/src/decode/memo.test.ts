import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Memo } from './memo.ts';

test('it gives back what was kept last for the same bytes, or nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'b') })),
      (texts) => {
        const memo = new Memo<number>(4, 8);
        const kept = new Map<string, number>();
        for (const [place, text] of texts.entries()) {
          const bytes = new DataView(Uint8Array.from(Buffer.from(`xx${text}yy`)).buffer);
          const found = memo.find(bytes, 2, 2 + text.length);
          expect([undefined, kept.get(text)]).toContain(found);
          memo.keep(bytes, 2, 2 + text.length, place);
          kept.set(text, place);
          expect(memo.find(bytes, 2, 2 + text.length)).toBe(place);
        }
      },
    ),
  );
});

test('texts that are too long are not kept', () => {
  const memo = new Memo<number>(4, 8);
  const bytes = new DataView(new ArrayBuffer(16));
  memo.keep(bytes, 0, 9, 1);
  expect(memo.find(bytes, 0, 9)).toBeUndefined();
});
