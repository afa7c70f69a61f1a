import { expect, test } from 'vitest';

import { describeRemote } from './conformance/remote.ts';
import { createMemoryRemote } from './memory-remote.ts';

describeRemote('memory', async (files) => {
  const remote = createMemoryRemote({ files });
  const person = {
    commit: async (commit: Parameters<typeof remote.commitAsPerson>[0]) => remote.commitAsPerson(commit),
    point: async (branch: string, commit: string | undefined) => remote.point(branch, commit),
  };
  return { remote, person };
});

test('shows what it holds', async () => {
  const remote = createMemoryRemote({ base: 'trunk', files: new Map([['a', '1']]) });
  const { base = '' } = await remote.fetch('x/');
  const changes = [{ action: 'write', path: 'b', content: '2' }] as const;
  const tip = await remote.push({ branch: 'x/1', parent: base, changes, message: 'm', expected: undefined });
  expect(remote.branches).toEqual(
    new Map([
      ['trunk', base],
      ['x/1', tip],
    ]),
  );
  expect([...remote.filesOf(tip).keys()]).toEqual(['a', 'b']);
  expect(remote.parentsOf(tip)).toEqual([base]);
});
