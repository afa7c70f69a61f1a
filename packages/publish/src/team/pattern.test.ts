import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { literal, matcherOf, type Pattern, PatternTooLargeError, repeat, sequence } from './pattern.ts';
import { parseRegexp } from './regexp-pattern.ts';

function matches(expression: string, text: string): boolean | string {
  const parsed = parseRegexp(expression);
  return 'problem' in parsed ? parsed.problem : matcherOf(parsed.pattern)(text);
}

/** Expressions that mean the same in JavaScript, which is the oracle here: by backtracking, so on short texts only. */
const { expression } = fc.letrec<{ expression: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(
      'a',
      'b',
      '/',
      '.',
      '\\.',
      '[ab]',
      '[^a]',
      '[a-c/]',
      '\\d',
      '\\W',
      '[\\w-]',
      '^',
      '$',
      '',
    ),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `(?:${inner})`),
  ),
  expression: fc
    .array(
      fc.tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,}', '{0,2}', '|')),
      {
        maxLength: 5,
      },
    )
    // What repeats nothing is no expression.
    .map((parts) =>
      parts.map(([atom, times]) => (/^[\^$]?$/.test(atom) && times !== '|' ? atom : atom + times)).join(''),
    ),
}));
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '/', '.', '1', '\n', '-', 'é', '😀'),
  maxLength: 8,
});

describe('an expression', () => {
  test('means what it means elsewhere', () => {
    fc.assert(
      fc.property(expression, text, (written, sample) => {
        expect(matches(written, sample), `${written} on ${JSON.stringify(sample)}`).toBe(
          new RegExp(written, 'u').test(sample),
        );
      }),
      { numRuns: 1_500 },
    );
  });

  test.each([
    ['a{,2}', 'a{,2}', true],
    ['^a{1000}$', 'a'.repeat(1_000), true],
    ['^a{1000}$', 'a'.repeat(999), false],
    ['\\Aa\\z', 'a', true],
    ['\\Aa\\z', 'ba', false],
    ['[]a]+', ']', true],
    ['^[^]a]$', ']', false],
    ['[a-]', '-', true],
    ['[\\]]', ']', true],
    ['\\t\\n', '\t\n', true],
    ['^.$', '😀', true],
    ['^.$', '\n', false],
    ['^a|b$', 'axx', true],
    ['^a|b$', 'xxb', true],
    ['^a|b$', 'xax', false],
    ['', '', true],
    ['()|x', 'y', true],
  ])('%s on %j: %s', (written, sample, expected) => {
    expect(matches(written, sample)).toBe(expected);
  });

  test.each([
    ['(?i)a', 'a group (?…) other than (?:…)'],
    ['(?P<n>a)', 'a group (?…) other than (?:…)'],
    ['(?=a)', 'a group (?…) other than (?:…)'],
    ['\\bx', 'the escape \\b'],
    ['\\1', 'the escape \\1'],
    ['\\pL', 'the escape \\p'],
    ['[\\D]', 'the escape \\D'],
    ['x\\', 'the escape \\'],
    ['[[:alpha:]]', 'a class [:…:]'],
    ['[b-a]', 'a range ends before it begins'],
    ['[a', 'a [ is not closed'],
    ['[', 'a [ is not closed'],
    ['(a', 'a ( is not closed'],
    ['a)', 'a ) closes nothing'],
    ['*a', '* repeats nothing'],
    ['a|+', '+ repeats nothing'],
    ['({2})', '{ repeats nothing'],
    ['{1001}', '{1001} cannot be counted'],
    ['a**', 'what is repeated is repeated once more'],
    ['a{2}{3}', 'what is repeated is repeated once more'],
    ['a{1001}', '{1001} cannot be counted'],
    ['a{3,2}', '{3,2} cannot be counted'],
    ['('.repeat(51), 'it is nested too deeply'],
    ['a'.repeat(1_001), 'an expression of over 1000 characters'],
  ])('that is not understood is said to be: %s', (written, problem) => {
    expect(matches(written, '')).toBe(problem);
  });

  test.each([
    ['((a{1000}){1000}){1000}', true],
    ['x((a{1000}){1000}){1000}', true],
    ['(a{1000}){10}', false],
    ['(a{1000}){11}', true],
    ['(a{0,500}){10}', false],
    ['(a{0,501}){10}', true],
  ])('that would take too many steps is refused: %s', (written, isTooLarge) => {
    const parsed = parseRegexp(written);
    const pattern: Pattern = 'pattern' in parsed ? parsed.pattern : literal('');
    const attempt = expect(() => matcherOf(pattern));
    if (isTooLarge) attempt.toThrow(PatternTooLargeError);
    else attempt.not.toThrow();
  });
});

describe('a matcher', () => {
  test('takes no more steps where others would go astray', () => {
    // With backtracking each of these takes longer than anybody has.
    const long = 'a'.repeat(3_000);
    for (const written of [
      '^(a+)+$',
      '^(a|a)*$',
      '^(a*)*b$',
      '^(a|aa)+$',
      '^([a-z]+)*\\.$',
      '(.*)(.*)(.*)(.*)x$',
    ]) {
      expect(matches(written, `${long}!`)).toBe(false);
    }
  });

  test('that begins with plain text tells apart what differs only after it', () => {
    const start: Pattern = { kind: 'start' };
    const matcher = matcherOf(sequence(start, literal('a/b'), repeat(literal('c'), 0), { kind: 'end' }));
    expect(['a/b', 'a/bcc', 'a/bd', 'a', 'xa/b', ''].map(matcher)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
