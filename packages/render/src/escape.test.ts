import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { escapeComment } from './escape-comment.ts';
import { markdownCode, markdownLink } from './escape-markdown.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { HOSTILE_TEXTS } from './testing/objects.ts';

const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{DI}\p{Bidi_C}]/u;
const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }));

describe('escapeTerminal', () => {
  test.each([
    ['plain text, ü and 鍵', 'plain text, ü and 鍵'],
    ['DOMAIN\\user', 'DOMAIN\\user'],
    ['a\u001b]0;title\u0007b', 'a\\u{1b}]0;title\\u{7}b'],
    ['a\r\nb\tc', 'a\\u{d}\\u{a}b\\u{9}c'],
    ['\u009b31m', '\\u{9b}31m'],
    ['user\u202etxt.exe', 'user\\u{202e}txt.exe'],
    ['a\u200b\ufeffb', 'a\\u{200b}\\u{feff}b'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\ud800', '\\u{d800}'],
    ['🔑', '🔑'],
  ])('%j is shown as %j', (from, to) => {
    expect(escapeTerminal(from)).toBe(to);
  });

  test('nothing invisible is left, and nothing else is changed', () => {
    fc.assert(
      fc.property(text, (any) => {
        expect(escapeTerminal(any)).not.toMatch(INVISIBLE);
        expect(escapeTerminal(escapeTerminal(any))).toBe(escapeTerminal(any));
      }),
    );
  });
});

describe('escapeComment', () => {
  test.each([
    ['plain', '# plain'],
    ['', '#'],
    ['a\nkind: ClusterRole', '# a\\u{a}kind: ClusterRole'],
    ['a\u0085b\u2028c\u2029d\re', '# a\\u{85}b\\u{2028}c\\u{2029}d\\u{d}e'],
  ])('%j becomes %j', (from, to) => {
    expect(escapeComment(from)).toBe(to);
  });
});

describe('markdownCode', () => {
  test.each([
    ['kube-system/app', '`kube-system/app`'],
    ['', '(empty)'],
    ['a|b', '`a\\u{7c}b`'],
    ['a`b``c', '`a\\u{60}b\\u{60}\\u{60}c`'],
    ['a\\', '`a\\`'],
    ['a\n\n# b', '`a\\u{a}\\u{a}# b`'],
    [
      '@admin <script>alert(1)</script> https://evil.example #1',
      '`@admin <script>alert(1)</script> https://evil.example #1`',
    ],
  ])('%j becomes %j', (from, to) => {
    expect(markdownCode(from)).toBe(to);
  });

  test('nothing ends the span, the cell or the line', () => {
    fc.assert(
      fc.property(text, (any) => {
        const inside = markdownCode(any).slice(1, -1);
        expect(inside).not.toMatch(/[`|]/);
        expect(inside).not.toMatch(INVISIBLE);
      }),
    );
  });
});

test('markdownLink encodes what is on disk once more, and nothing ends the target', () => {
  expect(markdownLink('a', ['..', 'user-a%40b', "x (y)'!*", 'rbac.yaml'])).toBe(
    '[`a`](../user-a%2540b/x%20%28y%29%27%21%2A/rbac.yaml)',
  );
});
