import { readFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test, vi } from 'vitest';

import { PublishError } from '@leastwise/publish';
import type { Plan } from '@leastwise/publish';

import { openForge } from './open-forge.ts';
import { git, temporaryDirectory, temporaryRepository } from './testing/temporary.ts';

const PLAN: Plan = { changes: [{ action: 'write', path: 'x', content: 'new\n' }], foreign: [] };

test('the top level of a work tree is a git repository, by a link to it too', async () => {
  const root = temporaryRepository();
  expect(await (await openForge(root)).apply(PLAN, 'm')).toMatch(/^[0-9a-f]{40}$/);
  const link = join(temporaryDirectory(), 'link');
  symlinkSync(root, link);
  const changes: Plan = { changes: [{ action: 'delete', path: 'x' }], foreign: [] };
  expect(await (await openForge(link)).apply(changes, 'm')).toMatch(/^[0-9a-f]{40}$/);
});

test.each(['a folder of a repository', 'with a .git that is none', 'not there'])(
  'a folder inside a work tree is a plain directory: %s',
  async (kind) => {
    const root = temporaryRepository(new Map([['a/b', '1\n']]));
    if (kind === 'with a .git that is none') mkdirSync(join(root, 'a/.git'));
    const folder = kind === 'not there' ? join(root, 'new') : join(root, 'a');
    expect(await (await openForge(folder)).apply(PLAN, 'm')).toBeUndefined();
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('new\n');
    expect(git(root, 'rev-list', '--count', 'HEAD').trim()).toBe('1');
  },
);

test('a directory outside any repository is a plain one, whatever its .git', async () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, '.git'));
  expect(await (await openForge(root)).apply(PLAN, 'm')).toBeUndefined();
});

test('a work tree without git to commit with is refused, not written to', async () => {
  const root = temporaryRepository();
  vi.stubEnv('PATH', temporaryDirectory());
  try {
    await expect(openForge(root)).rejects.toThrow(PublishError);
  } finally {
    vi.unstubAllEnvs();
  }
});
