import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { lastPosition } from './follow-position.ts';

const event = (id: string): string =>
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"${id}","requestURI":"/${'x'.repeat(200)}"}\n`;

function place(text: string, offset: number, isLineStart = true): [number, string] | undefined {
  const found = lastPosition(Buffer.from(text), offset, isLineStart, 1n);
  return found && [found.offset, found.headSha256];
}

function known(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const [a, b] = [event('a'), event('b')];

it('is the start of the last event of which enough is there to know it again', () => {
  expect(place(a + b, 1000)).toEqual([1000 + a.length, known(b.slice(0, 256))]);
  // Its auditID and some of its text; less may be the same in another file.
  expect(place(a + b.slice(0, 160), 1000)).toEqual([1000 + a.length, known(b.slice(0, 160))]);
  expect(place(a + b.slice(0, 159), 1000)).toEqual([1000, known((a + b).slice(0, 256))]);
  expect(place(a, 1000)?.[0]).toBe(1000);
});

it('is never inside of a line', () => {
  expect(place(a, 1000, false)).toBeUndefined();
  expect(place(`rest of a line\n${a}`, 1000, false)?.[0]).toBe(1015);
  expect(place(`"requestObject":${a}`, 1000, false)).toBeUndefined();
});

it('is the start of the file where events do not begin lines, and nowhere in the middle of it', () => {
  const text = `  ${a}  ${b}`;
  expect(place(text, 0)?.[0]).toBe(0);
  expect(place(text, 1000)).toBeUndefined();
  expect(place('short', 0)).toBeUndefined();
});
