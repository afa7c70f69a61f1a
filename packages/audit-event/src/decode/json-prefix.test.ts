import fc from 'fast-check';
import { expect, test } from 'vitest';

import { JsonPrefix, PREFIX } from './json-prefix.ts';

function feed(...lines: string[]): number {
  const prefix = new JsonPrefix();
  let state: number = PREFIX.open;
  for (const line of lines) {
    const bytes = Buffer.from(line);
    state = prefix.feed(bytes, 0, bytes.length);
    if (state !== PREFIX.open) break;
  }
  return state;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('every pretty-printed document is open until its last line, which completes it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (json) => {
      const lines = JSON.stringify(JSON.parse(json), undefined, 2).split('\n');
      expect(feed(...lines)).toBe(Buffer.byteLength(lines.at(-1) ?? ''));
      if (lines.length > 1) expect(feed(...lines.slice(0, -1))).toBe(PREFIX.open);
    }),
  );
});

test('what it calls complete is what JSON.parse accepts, for damaged documents too', () => {
  const damaged = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...'{}[]",:\\0-.eEtfnu \t\u0001'))
    .map(([json, at, byte]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + byte + json.slice(place + 1);
    });
  fc.assert(
    fc.property(damaged, (text) => {
      const bytes = Buffer.from(text);
      const end = feed(text);
      if (end >= 0) expect(isJson(bytes.toString('utf8', 0, end))).toBe(true);
      if (isJson(text)) expect(bytes.toString('utf8', end).trim()).toBe('');
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [['{"a":', '1', '}'], 1],
  [['{"a":"b'], PREFIX.cut],
  [['{"a":tru'], PREFIX.cut],
  [['{"a":1,', '{'], PREFIX.broken],
  [['{"a"', '"b"'], PREFIX.broken],
  [['{]'], PREFIX.broken],
  [['[1', '2]'], PREFIX.broken],
  [['{"a":"\\x"}'], PREFIX.broken],
  [[`{"a":"\\u12`], PREFIX.cut],
  [['['.repeat(513)], PREFIX.tooDeep],
])('%j', (lines, state) => {
  expect(feed(...lines)).toBe(state);
});
