import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach } from 'vitest';

import type { Files } from '@leastwise/publish';

const made: string[] = [];

/** A new directory, removed after the test. To be called from a test file whose `afterEach` this registers. */
export function temporaryDirectory(files: Files = new Map()): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'leastwise-forge-')));
  made.push(root);
  for (const [path, content] of files) put(root, path, content);
  return root;
}

/** Writes a file as a person would. */
export function put(root: string, path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Runs git as a person of this repository would, and gives what it prints. */
export function git(root: string, ...args: string[]): string {
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Person',
    GIT_AUTHOR_EMAIL: 'person@example.com',
    GIT_COMMITTER_NAME: 'Person',
    GIT_COMMITTER_EMAIL: 'person@example.com',
  };
  return execFileSync('git', args, { cwd: root, env, encoding: 'utf8', stdio: 'pipe' });
}

/** A new git repository on branch `main` with the files committed; without commits where there are none. */
export function temporaryRepository(files: Files = new Map()): string {
  const root = temporaryDirectory(files);
  git(root, 'init', '--quiet', '--initial-branch=main');
  if (files.size > 0) {
    git(root, 'add', '--all');
    git(root, 'commit', '--quiet', '-m', 'start');
  }
  return root;
}

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});
