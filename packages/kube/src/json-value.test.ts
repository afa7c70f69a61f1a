import { loadYaml } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  canonicalJson,
  entriesOf,
  listAt,
  storedBytes,
  textAt,
  valueAt,
  wellFormed,
  yamlSafeJson,
} from './json-value.ts';

describe('JSON that YAML reads', () => {
  test('holds nothing that YAML reads otherwise, and is the same value', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (list, text) => {
        const value = { list, text };
        const written = yamlSafeJson(value);
        expect(JSON.parse(written)).toEqual({ list: list.map(wellFormed), text: wellFormed(text) });
        expect(loadYaml(written)).toEqual(JSON.parse(written));
        expect(written).not.toMatch(
          /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u,
        );
      }),
    );
  });

  test('escapes what YAML refuses or breaks lines at', () => {
    expect(yamlSafeJson('a\u007f\u0085\u2028\u2029\ufeff\uffff\u0000b')).toBe(
      String.raw`"a\u007f\u0085\u2028\u2029\ufeff\uffff\u0000b"`,
    );
    expect(yamlSafeJson(['\ud800x', '\u{1f600}'])).toBe('["\ufffdx","\u{1f600}"]');
  });
});

test('bytes are counted as Go writes them', () => {
  expect(storedBytes('a')).toBe(3);
  expect(storedBytes('<>&')).toBe(2 + 18);
  expect(storedBytes('é')).toBe(4);
});

test('equal values have one canonical text, whatever the order of their keys', () => {
  expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  expect(canonicalJson({ b: undefined, a: 1 })).toBe(canonicalJson({ a: 1 }));
  expect(canonicalJson(JSON.parse('{"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1}}');
});

test('a path that is not there leads to nothing', () => {
  expect(valueAt({ a: { b: 1 } }, 'a', 'b')).toBe(1);
  expect(valueAt({ a: null }, 'a', 'b')).toBeUndefined();
  expect(valueAt({}, 'constructor')).toBeUndefined();
  expect([textAt({ a: 1 }, 'a'), listAt({ a: 1 }, 'a'), entriesOf([1]), entriesOf(null)]).toEqual([
    '',
    [],
    [],
    [],
  ]);
});
