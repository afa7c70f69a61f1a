import { describe, expect, test } from 'vitest';

import { checkPath, checkPaths } from './check-path.ts';
import { PublishError } from './types.ts';

describe('checkPath', () => {
  test.each([
    'rbac.yaml',
    'clusters/default/namespaces/a/user-alice%40example.com/rbac.yaml',
    '.github/workflows/x.yaml',
    'a/.gitignore',
    'a/..b/c..',
    'ключ/鍵',
    'x'.repeat(255),
  ])('takes %j', (path) => {
    expect(() => {
      checkPath(path);
    }).not.toThrow();
  });

  test.each([
    ['', 'empty segment'],
    ['/a', 'absolute'],
    ['C:/a', 'absolute'],
    ['c:a', 'absolute'],
    ['a/', 'empty segment'],
    ['a//b', 'empty segment'],
    ['.', 'segment .'],
    ['a/./b', 'segment .'],
    ['..', 'segment ..'],
    ['a/../b', 'segment ..'],
    ['a\\..\\b', 'backslash'],
    ['a\0b', 'control character'],
    ['a\nb', 'control character'],
    ['a\u0085b', 'control character'],
    ['a\u2028b', 'control character'],
    ['a\ud800b', 'control character'],
    ['.git', '.git'],
    ['a/.git/b', '.git'],
    ['.GiT/config', '.git'],
    ['.git./config', '.git'],
    ['.git /config', '.git'],
    ['.git::$INDEX_ALLOCATION/config', '.git'],
    ['GIT~1/config', '.git'],
    ['.g\u200cit/config', '.git'],
    ['x'.repeat(256), '255 bytes'],
    ['é'.repeat(128), '255 bytes'],
  ])('refuses %j: %s', (path, why) => {
    const check = (): void => {
      checkPath(path);
    };
    expect(check).toThrow(PublishError);
    expect(check).toThrow(why);
  });
});

describe('checkPaths', () => {
  test.each([[['a/b', 'a/c', 'ab', 'b/a']], [['a', 'ab/c']]])('takes %j', (paths) => {
    expect(() => {
      checkPaths(paths);
    }).not.toThrow();
  });

  test.each([
    [['a/b', 'a/B']],
    [['A/x', 'a/y']],
    [['é', 'e\u0301']],
    [['straße', 'STRASSE']],
    [['a', 'a/b']],
    [['a/b/c', 'a']],
    [['ok', '../out']],
  ])('refuses %j', (paths) => {
    expect(() => {
      checkPaths(paths);
    }).toThrow(PublishError);
    expect(() => {
      checkPaths(paths.toReversed());
    }).toThrow(PublishError);
  });
});
