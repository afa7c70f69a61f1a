import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { parseYamlValue, type YamlNode } from './yaml-value.ts';

/** Maps as plain objects, to compare. */
function plain(node: unknown): unknown {
  if (node instanceof Map) {
    const map = node as ReadonlyMap<string, unknown>;
    return Object.fromEntries([...map].map(([key, value]) => [key, plain(value)]));
  }
  return Array.isArray(node) ? node.map(plain) : node;
}

function problemsOf(text: string): string[] {
  return parseYamlValue(text).problems.map(
    ({ line, path, reason, detail }) => `${line} ${path.join('/')} ${reason}: ${detail}`,
  );
}

describe('a file that a person wrote', () => {
  test('gives plain values', () => {
    const { value, problems } = parseYamlValue('a: [1, true, ~, "x"]\nb: {c: 1.5}\n__proto__: 1\n');
    expect(problems).toEqual([]);
    expect(value).toEqual(
      new Map<string, YamlNode>([
        ['a', [1, true, null, 'x']],
        ['b', new Map([['c', 1.5]])],
        ['__proto__', 1],
      ]),
    );
  });

  test.each(['', '\n', '# nothing\n', '---\n', '%YAML 1.2\n---\n', '\ufeff'])('may be empty: %j', (text) => {
    expect(parseYamlValue(text)).toMatchObject({ value: undefined, problems: [] });
  });

  test('may be JSON', () => {
    expect(plain(parseYamlValue('{"a": ["b"]}').value)).toEqual({ a: ['b'] });
  });

  test('knows the line of each key and item, or of what is around it', () => {
    const { lineOf } = parseYamlValue('\na:\n  - b: 1\n    c:\n      d: 2\n  - x\n');
    const paths = [[], ['a'], ['a', 0, 'b'], ['a', 0, 'c'], ['a', 0, 'c', 'd'], ['a', 1], ['a', 1, 'none']];
    expect(paths.map(lineOf)).toEqual([2, 2, 3, 4, 5, 6, 6]);
  });

  test('is what was written, whatever it is', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((each) => each !== '<<');
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.boolean(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const read = parseYamlValue(stringify(value, { aliasDuplicateObjects: false }));
        expect(read.problems).toEqual([]);
        expect(plain(read.value)).toEqual(value);
      }),
    );
  });
});

describe('what cannot be taken is told, all of it, with its line and path', () => {
  test.each([
    ['a key twice', 'a: 1\nb: 2\na: 3\n', ['3 a duplicate-key: the key "a" is there twice']],
    [
      'keys twice, in several places',
      'x: {a: 1, a: 2}\ny:\n  - b: 1\n    b: 2\n',
      [
        '1 x/a duplicate-key: the key "a" is there twice',
        '4 y/0/b duplicate-key: the key "b" is there twice',
      ],
    ],
    [
      'an alias',
      'a: &x [1]\nb: *x\nc: [*x]\n',
      [
        '2 b unsupported: an alias (*) is not supported: write the value out',
        '3 c/0 unsupported: an alias (*) is not supported: write the value out',
      ],
    ],
    [
      'a merge key and keys that are no text',
      'a:\n  <<: {b: 1}\n  1: x\n  ? [c]\n  : d\n',
      ['2', '3', '4'].map(
        (line) => `${line} a unsupported: a key is not plain text (merge keys, <<, are not supported)`,
      ),
    ],
    ['two documents', 'a: 1\n---\nb: 2\n', ['2  unsupported: it holds more than one document (---)']],
    ['a tag of one’s own', 'a: !mine 1\n', ['1  unreadable: "Unresolved tag: !mine"']],
    ['no YAML', 'a: {\n', [expect.stringMatching(/^2 {2}unreadable: /)]],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  test('nesting beyond what a person writes', () => {
    expect(problemsOf('['.repeat(33) + ']'.repeat(33))).toEqual([
      `1 ${Array.from({ length: 32 }, () => '0').join('/')} unsupported: it is nested too deeply`,
    ]);
    expect(problemsOf('['.repeat(100_000))).not.toEqual([]);
  });

  test('text beyond what a person writes', () => {
    expect(problemsOf(`# ${'x'.repeat(1_048_574)}`)).toEqual([]);
    expect(problemsOf(`# ${'x'.repeat(1_048_575)}`)).toEqual([
      '1  unreadable: it is longer than 1048576 characters',
    ]);
  });

  test('text of the file in a message cannot hide', () => {
    const [problem = ''] = problemsOf('"\\u202ea\\e\\n": 1\n"\\u202ea\\e\\n": 2\n');
    expect(problem).toContain(String.raw`the key "\u{202e}a\u001b\n" is there twice`);
  });

  test('nothing makes it throw', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      ']',
      '{',
      '}',
      '&x',
      '*x',
      '!t',
      '"',
      '|',
      '#',
      '?',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        const { problems, lineOf } = parseYamlValue(text);
        const lines = text.split('\n').length;
        for (const { line, path } of problems) {
          expect(line).toBeLessThanOrEqual(lines);
          expect(lineOf(path)).toBeLessThanOrEqual(lines);
        }
      }),
      { numRuns: 500 },
    );
  });
});
