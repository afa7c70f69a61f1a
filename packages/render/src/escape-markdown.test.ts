import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { defuse, markdownFence, markdownText, markdownUrl } from './escape-markdown.ts';
import { InvariantError } from './invariant-error.ts';
import { HOSTILE_MARKDOWN, skeletonOf } from './pull-request/testing/skeleton.ts';

const hostile = fc.oneof(fc.constantFrom(...HOSTILE_MARKDOWN), fc.string({ unit: 'binary' }));

describe('markdownText', () => {
  test.each([
    ['Nothing was seen, ever.', 'Nothing was seen, ever.'],
    ['observed for 12 days of 30', 'observed for 12 days of 30'],
    ['open detection D003: exec into 4 pods', 'open detection `D003`: exec into 4 pods'],
    ['nothing of leases.coordination.k8s.io.', 'nothing of `leases.coordination.k8s.io`.'],
    ['asked by @org/team of o/r#12', 'asked by `\\u{40}org/team` of `o/r\\u{23}12`'],
    ['by a b@c d@e f', 'by a `b@c d@e` f'],
    ['1. first', '`1`. first'],
    ['first 1. second', 'first 1. second'],
    ['commit effaced 1234567', 'commit `effaced 1234567`'],
    ['  two \n lines ', 'two lines'],
    ['...', '`...`'],
    ['', '(empty)'],
    [' \n', '(empty)'],
  ])('%j reads %j', (from, to) => {
    expect(markdownText(from)).toBe(to);
  });

  test('whatever it says, it is words and code on one line', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 4 }), (texts) => {
        for (const start of ['', '- ', 'note: ']) {
          const lines = skeletonOf(start + markdownText(texts.join(' ')));
          const list = start === '- ' ? ['bullet_list_open ul', 'list_item_open li'] : [];
          expect(lines.slice(0, list.length + 1)).toEqual([...list, 'paragraph_open p']);
          const inside = lines.slice(list.length + 1, lines.indexOf('paragraph_close p'));
          for (const line of inside) expect(['text', 'code']).toContain(line);
          expect(lines).toHaveLength(2 * list.length + 2 + inside.length);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('markdownFence', () => {
  test('is longer than any run of backticks in it', () => {
    expect(markdownFence('sh', 'a')).toBe('```sh\na\n```');
    expect(markdownFence('yaml', 'a\n```\nb')).toBe('````yaml\na\n```\nb\n````');
  });

  test('keeps its line feeds and shows all else that cannot be seen', () => {
    expect(markdownFence('diff', 'a\r\n\u202eb\u2028')).toBe('```diff\na\\u{d}\n\\u{202e}b\\u{2028}\n```');
  });

  test('whatever is in it, it is one block', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 4 }), (texts) => {
        expect(skeletonOf(markdownFence('diff', texts.join('\n')))).toEqual(['fence diff']);
      }),
    );
  });
});

describe('markdownUrl', () => {
  test('encodes what is on disk once more, and what a cell or a link would end at', () => {
    expect(markdownUrl('a', 'https://forge.example/o/r_(x)|y/', ['a%40b', 'c d.md'])).toBe(
      '[`a`](https://forge.example/o/r%5F%28x%29%7Cy/a%2540b/c%20d.md)',
    );
    expect(markdownUrl('a', 'https://forge.example/o', ['a'])).toBe('[`a`](https://forge.example/o/a)');
    expect(markdownUrl('a', 'http://forge.example', ['\ud800'])).toBe(
      '[`a`](http://forge.example/%EF%BF%BD)',
    );
  });

  test.each([
    'forge.example/o/',
    'javascript:alert(1)/',
    'https://user:secret@forge.example/',
    'https://forge.example/?a=/',
    'https://forge.example/#/',
  ])('%j is no base', (base) => {
    expect(() => markdownUrl('a', base, [])).toThrow(InvariantError);
  });

  test('an error does not tell the credentials', () => {
    expect(() => markdownUrl('a', 'https://user:secret@forge.example/', [])).toThrow(/^(?!.*secret)/);
  });
});

describe('defuse', () => {
  test.each([
    ['ci@example.com', 'ci@example.com'],
    ['@team', '\\u{40}team'],
    ['a @team', 'a \\u{40}team'],
    ['issuer#12', 'issuer\\u{23}12'],
    ['issuer#sub', 'issuer#sub'],
    ['gh-12', 'gh\\u{2d}12'],
    ['high-12', 'high-12'],
    ['https://f.example/o/r/-/issues/12', 'https://f.example/o/r/-/issues\\u{2f}12'],
    ['o/r/pull/3', 'o/r/pull\\u{2f}3'],
    ['closes ABC-1', 'closes\\u{20}ABC-1'],
    ['Fixed: ABC-1', 'Fixed:\\u{20}ABC-1'],
    ['prefix ABC-1', 'prefix ABC-1'],
    ['[skip ci]', '\\u{5b}skip ci]'],
    ['***NO_CI***', '\\u{2a}**NO_CI\\u{2a}**'],
    ['*', '*'],
    ['/api/*', '/api/*'],
    ['system:serviceaccount:a:b', 'system:serviceaccount:a:b'],
  ])('%j is %j', (from, to) => {
    expect(defuse(from)).toBe(to);
  });
});
