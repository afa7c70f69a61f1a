import { afterEach, describe, expect, test } from 'vitest';

import type { Files, Remote } from '@leastwise/publish';
import { describeRemote } from '@leastwise/publish/conformance';

import { git } from '../testing/temporary.ts';
import { openGitRemote } from './git-remote.ts';
import type { GitRemoteOptions } from './git-remote.ts';
import { bareRepository, personAt } from './testing/bare.ts';

const opened: Remote[] = [];

afterEach(async () => {
  for (const remote of opened.splice(0)) await remote[Symbol.asyncDispose]();
});

function make(prepare: (root: string) => Partial<GitRemoteOptions>, ...initArgs: string[]) {
  return async (files: Files) => {
    const root = bareRepository(files, ...initArgs);
    const remote = await openGitRemote({ url: root, base: 'main', ...prepare(root) });
    opened.push(remote);
    return { remote, person: personAt(root) };
  };
}

describeRemote(
  'a path',
  make(() => ({})),
);

describeRemote(
  'file://, without partial clones',
  make((root) => {
    git(root, 'config', 'uploadpack.allowFilter', 'false');
    return { url: `file://${root}` };
  }),
);

describe('a repository whose objects are named by SHA-256', () => {
  test('is read and pushed to', async () => {
    const create = make(() => ({}), '--object-format=sha256');
    const { remote } = await create(new Map([['a', '1']]));
    const { base } = await remote.fetch('x/');
    expect(base).toMatch(/^[0-9a-f]{64}$/);
    const changes = [{ action: 'write', path: 'b', content: '2' }] as const;
    const tip = await remote.push({
      branch: 'x/1',
      parent: base,
      changes,
      message: 'm',
      expected: undefined,
    });
    expect((await remote.fetch('x/')).branches.get('x/1')).toMatchObject({ tip, isOurs: true, changes });
  });
});
