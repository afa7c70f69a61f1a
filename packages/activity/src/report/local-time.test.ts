import { describe, expect, test } from 'vitest';

import { parseOfficeHours } from './local-time.ts';
import { pseudonymKeyProblem } from './pseudonyms.ts';

describe('office hours as people write them', () => {
  test.each([
    ['8-18', { from: 8, to: 18 }],
    ['08-18', { from: 8, to: 18 }],
    ['0-24', { from: 0, to: 24 }],
    ['18-8', undefined],
    ['8-8', undefined],
    ['8-25', undefined],
    ['8', undefined],
    ['8-18 ', undefined],
    ['-8-18', undefined],
    ['', undefined],
  ])('%j', (text, hours) => {
    expect(parseOfficeHours(text)).toEqual(hours);
  });
});

test('a key for pseudonyms has 16 bytes at least', () => {
  expect(pseudonymKeyProblem(Buffer.alloc(16), 'f')).toBeUndefined();
  expect(pseudonymKeyProblem(Buffer.alloc(15), 'f')).toMatch(
    /^f: a key for pseudonyms has at least 16 bytes/,
  );
});
