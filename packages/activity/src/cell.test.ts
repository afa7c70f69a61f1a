import { CLIENT_KINDS, type Subject } from '@leastwise/audit-event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Cell, cellKey, parseCellKey } from './cell.ts';
import { OUTCOMES, RESOURCE_CLASSES, VERB_CLASSES } from './classes.ts';

const HOSTILE = [
  '',
  '__proto__',
  'a:b',
  '%3A',
  '%253A%',
  '"',
  '\\',
  '\\u0041',
  '\ud800',
  '\udc00\ud800',
  '\n',
  '\u2028',
];
const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);
const subjects: fc.Arbitrary<Subject> = fc.oneof(
  fc.record({ kind: fc.constantFrom('User', 'Group'), namespace: fc.constant(''), name: text }),
  fc.record({ kind: fc.constant('ServiceAccount'), namespace: text, name: text }),
);
const cells: fc.Arbitrary<Cell> = fc.record({
  verb: fc.constantFrom(...VERB_CLASSES),
  resource: fc.constantFrom(...RESOURCE_CLASSES),
  outcome: fc.constantFrom(...OUTCOMES),
  sender: fc.option(fc.record({ subject: subjects, client: fc.constantFrom(...CLIENT_KINDS) }), {
    nil: undefined,
  }),
});

function cellOf(subject: Subject): Cell {
  return { verb: 'read', resource: 'secrets', outcome: 'allowed', sender: { subject, client: 'kubectl' } };
}

describe('cell keys', () => {
  test.each<[string, Cell]>([
    ['0000user:alice', cellOf({ kind: 'User', namespace: '', name: 'alice' })],
    ['0000group:g', cellOf({ kind: 'Group', namespace: '', name: 'g' })],
    ['0000serviceaccount:n:a', cellOf({ kind: 'ServiceAccount', namespace: 'n', name: 'a' })],
    [
      '8j17user:',
      {
        verb: 'other',
        resource: 'other',
        outcome: 'denied',
        sender: { subject: { kind: 'User', namespace: '', name: '' }, client: 'other' },
      },
    ],
    ['421v', { verb: 'delete', resource: 'pods', outcome: 'denied', sender: undefined }],
  ])('%s is part of the format of states', (key, cell) => {
    expect(cellKey(cell)).toBe(key);
    expect(parseCellKey(key)).toEqual(cell);
  });

  test('every cell has a key of its own, which survives UTF-8 and lines', () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const key = cellKey(cell);
        expect(parseCellKey(Buffer.from(key, 'utf8').toString('utf8'))).toEqual(cell);
        expect(key).not.toMatch(/[\0-\x1f]/);
      }),
      { numRuns: 2000 },
    );
  });

  test('a name of 10 kB comes back', () => {
    const cell = cellOf({ kind: 'User', namespace: '', name: '\\"\0'.repeat(3500) });
    expect(parseCellKey(cellKey(cell))).toEqual(cell);
  });

  test.each([
    '',
    '000',
    '0000',
    '000vuser:alice',
    '0000 user:alice',
    '0000User:alice',
    '0000alice',
    '0000serviceaccount:n',
    '0000serviceaccount:%3a:a',
    '0000user:\\u0061lice',
    '0000user:a","b',
    '0000user:a"b',
    '0000user:\\',
    '0000user:\ud800',
    '000Vuser:alice',
    '0020user:alice',
    '9000user:alice',
    '0k00user:alice',
    '0008user:alice',
    '-000user:alice',
    '__proto__',
  ])('%j is the key of no cell', (key) => {
    expect(parseCellKey(key)).toBeUndefined();
  });

  test('whatever is read as a cell has exactly that key', () => {
    const codes = fc.string({ unit: fc.constantFrom(...'0123v8j'), minLength: 3, maxLength: 5 });
    fc.assert(
      fc.property(codes, text, (code, name) => {
        const cell = parseCellKey(`${code}user:${name}`);
        if (cell !== undefined) expect(cellKey(cell)).toBe(`${code}user:${name}`);
      }),
    );
  });
});
