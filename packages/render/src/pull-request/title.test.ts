import { expect, test } from 'vitest';

import { ADDITIONS, REMOVALS } from './testing/reports.ts';
import { cut, pullRequestTitle, titleName } from './title.ts';

test('a title says what is done to how many, where and whose', () => {
  expect(pullRequestTitle(ADDITIONS, 256)).toBe(
    'Grant 4 used permissions to 3 subjects in prod-eu for team-shop',
  );
  expect(pullRequestTitle(REMOVALS, 256)).toBe(
    'Remove 7 unused permissions from 1 subject in prod-eu for team-shop',
  );
});

test.each([
  ['prod-eu', 'prod-eu'],
  ['kops.example.com', 'kops.example.com'],
  ['@org/team', 'org/team'],
  ['@org/team#12', 'org/team-12'],
  ['fixes #1', 'fixes-1'],
  ['GH-12', 'GH12'],
  ['o/r/issues/12', 'o/r/issues-12'],
  ['[skip ci]', 'skip-ci'],
  ['www.evil.example', 'www-evil.example'],
  ['`a` <b>', 'a-b'],
  ['\u202e', 'unnamed'],
  ['', 'unnamed'],
  ['x'.repeat(64), `${'x'.repeat(63)}…`],
])('%j in a title is %j', (name, shown) => {
  expect(titleName(name)).toBe(shown);
});

test('a title is cut to what the forge takes, in bytes', () => {
  expect(cut('abcdef', 6)).toBe('abcdef');
  expect(cut('abcdefg', 6)).toBe('abc…');
  expect(Buffer.byteLength(pullRequestTitle(ADDITIONS, 40))).toBeLessThanOrEqual(40);
});
