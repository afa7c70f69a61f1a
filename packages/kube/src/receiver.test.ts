import fc from 'fast-check';
import { expect, test } from 'vitest';

import { lineReceiver } from './receiver.ts';

test('lines come whole, however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\n\r]/.test(text))),
      fc.array(fc.nat({ max: 40 })),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        const seen: string[] = [];
        const receiver = lineReceiver((each) => seen.push(each));
        let at = 0;
        for (const cut of cuts) {
          receiver.take(bytes.subarray(at, at + cut));
          at = Math.min(at + cut, bytes.length);
        }
        receiver.take(bytes.subarray(at));
        expect(seen).toEqual(lines.map((each) => Buffer.from(each).toString('utf8')));
      },
    ),
  );
});

test('what follows the last end of a line is no line', () => {
  const seen: string[] = [];
  const receiver = lineReceiver((each) => seen.push(each));
  receiver.take(Buffer.from('one\ntwo'));
  expect(seen).toEqual(['one']);
});

test('a line that never ends is not kept for ever', () => {
  const receiver = lineReceiver(() => undefined);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const takeMuch = (): void => {
    for (let i = 0; i < 20; i += 1) receiver.take(chunk);
  };
  expect(takeMuch).toThrow(expect.objectContaining({ code: 'LINE_TOO_LARGE' }));
});
