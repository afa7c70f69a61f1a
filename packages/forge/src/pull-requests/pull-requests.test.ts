import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { hasHiddenKey, withHiddenKey } from './hidden-key.ts';
import { repositorySegments } from './options.ts';
import { askTogether, namesByKind, parseReviewer, type Reviewer } from './reviewers.ts';
import { isSameText, missingLabels } from './same-text.ts';

describe('a hidden key', () => {
  test('is one comment of HTML on a line of its own', () => {
    expect(withHiddenKey('retire/prod-eu', 'text')).toBe('<!-- leastwise:retire%2Fprod%2Deu -->\ntext');
    expect(withHiddenKey('k', 'text', 'done')).toBe('<!-- leastwise:k done -->\ntext');
  });

  test('is found again by itself alone, and ends no comment', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a', 'a ', 'a done', 'a -->', '--', '->'),
    );
    fc.assert(
      fc.property(
        key,
        key,
        fc.string(),
        fc.constantFrom('open' as const, 'done' as const),
        (a, b, text, state) => {
          const written = withHiddenKey(a, text, state);
          expect(hasHiddenKey(a, written)).toBe(true);
          if (a !== b) expect(hasHiddenKey(b, written)).toBe(false);
          const [line = ''] = written.split('\n');
          expect(line).toMatch(/^<!-- [!-=?-~ ]* -->$/);
          expect(line.slice(4, -3)).not.toContain('--');
        },
      ),
    );
  });
});

test('line ends and the white space around a text are no difference', () => {
  expect(isSameText('a\nb', 'a\r\nb\r\n')).toBe(true);
  expect(isSameText('a\nb', 'a\rb ')).toBe(true);
  expect(isSameText('a\nb', 'a\n\nb')).toBe(false);
  expect(isSameText('a  b', 'a b')).toBe(false);
});

test('a label is missing once, whatever its letter case', () => {
  expect(missingLabels(['A', 'b', 'B', 'c'], ['a'])).toEqual(['b', 'c']);
});

describe('reviewers', () => {
  test.each([
    ['@jo', { kind: 'user', name: 'jo' }],
    ['@jo-ann_x.y', { kind: 'user', name: 'jo-ann_x.y' }],
    ['@acme/team', { kind: 'team', organization: 'acme', name: 'team' }],
    ['@acme/sub/team', { kind: 'team', organization: 'acme/sub', name: 'team' }],
    ['jo@example.com', { kind: 'address', name: 'jo@example.com' }],
  ])('%s is understood', (text, wanted) => {
    expect(parseReviewer(text)).toEqual({ text, ...wanted });
  });

  test.each([
    '',
    '@',
    '@/x',
    '@x/',
    '@x//y',
    '@-x',
    '@x y',
    '@x?y',
    '@../x',
    'x',
    'a@b@c',
    'a b@c',
    '@x\n',
    '[bot]',
  ])('%j is nobody', (text) => {
    expect(parseReviewer(text)).toBeUndefined();
  });

  test('are asked together, and one by one where that is refused', async () => {
    const people = ['@a', '@b', '@c'].map(parseReviewer) as Reviewer[];
    const calls: string[] = [];
    const ask = (refused: string) => async (some: readonly Reviewer[]) => {
      calls.push(some.map(({ text }) => text).join());
      return !some.some(({ text }) => text === refused);
    };
    expect(await askTogether(people, ask('@b'))).toEqual([people[1]]);
    expect(calls.splice(0)).toEqual(['@a,@b,@c', '@a', '@b', '@c']);
    expect(await askTogether(people, ask(''))).toEqual([]);
    expect(await askTogether(people.slice(1, 2), ask('@b'))).toEqual([people[1]]);
    expect(await askTogether([], ask(''))).toEqual([]);
    expect(calls).toEqual(['@a,@b,@c', '@b']);
  });

  test('are named by kind, and no list is empty', () => {
    const of = (...texts: string[]) => namesByKind(texts.map(parseReviewer) as Reviewer[]);
    expect(of('@a', '@o/t', 'x@y')).toEqual({ reviewers: ['a', 'x@y'], team_reviewers: ['t'] });
    expect(of('@o/t')).toEqual({ team_reviewers: ['t'] });
  });
});

test('the name of a repository leaves its place in a path', () => {
  expect(repositorySegments('F', 'a/b', 2)).toEqual(['a', 'b']);
  expect(repositorySegments('F', 'a/b.c/d-e', 3)).toEqual(['a', 'b.c', 'd-e']);
  for (const bad of ['a', 'a/b/c', '/b', 'a/', 'a/..', './a', 'a/b?c', 'a/b#c', 'a/b c', 'a/%2e']) {
    expect(() => repositorySegments('F', bad, 2)).toThrow(JSON.stringify(bad));
  }
});
