import { describe, expect, test } from 'vitest';

import { formatGrant, type Grant } from './index.ts';

describe('formatGrant', () => {
  const grant: Grant = { scope: '*', verb: 'get', apiGroup: '', resource: 'pods', name: '', path: '' };
  const shown: [string, Partial<Grant>, string][] = [
    ['a terminal escape', { name: '\u001b[31mx' }, 'get pods named "\\u{1b}[31mx" in the whole cluster'],
    ['a new line', { name: 'a\nb' }, 'get pods named "a\\u{a}b" in the whole cluster'],
    ['the other direction', { name: 'a\u202eb' }, 'get pods named "a\\u{202e}b" in the whole cluster'],
    ['a lone surrogate', { name: '\ud800' }, 'get pods named "\\u{d800}" in the whole cluster'],
    [
      'words of the sentence',
      { name: 'a in namespace b' },
      'get pods named "a in namespace b" in the whole cluster',
    ],
    ['quotes and backslashes', { name: '"\\' }, 'get pods named "\\"\\\\" in the whole cluster'],
    ['an empty verb', { verb: '' }, '"" pods in the whole cluster'],
    ['a URL', { resource: '', path: '/a b' }, 'get "/a b"'],
  ];
  test.each(shown)('shows %s', (_, over, expected) => {
    expect(formatGrant({ ...grant, ...over })).toBe(expected);
  });
});
