import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentDecode, queryValue, withoutNul } from './uri.ts';

describe('percentDecode', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['%2e%2E%2f', '../'],
    ['a+b', 'a+b'],
    ['%252F', '%2F'],
    ['caf%C3%A9', 'café'],
    ['%F0%9F%90%B3x', '🐳x'],
    ['%EF%BB%BFx', '\u{FEFF}x'],
    ['%FF', '\u{FFFD}'],
    ['%C3x', '\u{FFFD}x'],
    ['é%00', 'é\0'],
  ])('decodes %j once to %j', (text, decoded) => {
    expect(percentDecode(text)).toBe(decoded);
  });

  it.each(['%', '%2', '%zz', '%2g', 'a%', '%41%', '%C3%', '% 1', '%+1'])('refuses %j, as Go does', (text) => {
    expect(percentDecode(text)).toBeUndefined();
  });

  it('undoes encodeURIComponent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(percentDecode(encodeURIComponent(text))).toBe(text);
      }),
    );
  });
});

describe('queryValue', () => {
  it.each([
    ['/p?a=1&b=2', 'b', '2'],
    ['/p?a=1&a=2', 'a', '1'],
    ['/p?watch', 'watch', ''],
    ['/p?watch=', 'watch', ''],
    ['/p?a=b=c', 'a', 'b=c'],
    ['/p?a=x+y%2Bz', 'a', 'x y+z'],
    ['/p?field%53elector=x', 'fieldSelector', 'x'],
    ['/p?a=%zz&a=2', 'a', '2'],
    ['/p?a=1;b=2&b=3', 'b', '3'],
    ['/p?a;=1&a=2', 'a', '2'],
    ['/p?a=1?b=2', 'a', '1?b=2'],
    ['/p?&&a=1', 'a', '1'],
  ])('of %j finds %j = %j', (uri, key, value) => {
    expect(queryValue(uri, key)).toBe(value);
  });

  it.each(['/p', '/p?', '/p?ab=1', '/p?A=1', '/p?b=a', '/p?a=1;x', '/p?=a'])('of %j finds no "a"', (uri) => {
    expect(queryValue(uri, 'a')).toBeUndefined();
  });

  it('agrees with URLSearchParams on what that encodes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string())), fc.nat(), (pairs, pick) => {
        const query = new URLSearchParams(pairs);
        const key = pairs[pick % Math.max(pairs.length, 1)]?.[0] ?? 'none';
        expect(queryValue(`/p?${query.toString()}`, key)).toBe(query.get(key) ?? undefined);
      }),
    );
  });
});

it('withoutNul leaves no NUL', () => {
  expect(withoutNul('a\0b\0')).toBe('a\u{FFFD}b\u{FFFD}');
  expect(withoutNul('ab')).toBe('ab');
});
