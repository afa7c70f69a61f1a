import type * as Render from '@leastwise/render';
import { expect, test, vi } from 'vitest';

import { asked, leastwise, ownFolder, treeOf } from './testing/command.ts';

const folder = ownFolder();

// No two subjects are known whose folders are equal, for their names have hashes: here two are made so.
vi.mock('@leastwise/render', async (importOriginal) => {
  const original = await importOriginal<typeof Render>();
  const subjectFolder: typeof original.subjectFolder = (subject) =>
    original.subjectFolder(subject.name === 'mallory' ? { ...subject, name: 'alice' } : subject);
  return { ...original, subjectFolder };
});

test('two subjects with one folder are left out, and the rest is published', async () => {
  const out = folder();
  const log = ['alice', 'mallory', 'bob'].map((user) => asked(user, 'list pods')).join('');
  const { code, stderr } = await leastwise(['run', '-q', '-f', '-', '--out', out], log);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(
      'User mallory in cluster default: its folder user-alice would be that of User alice',
    ),
  ]);
  const manifests = Object.keys(await treeOf(out)).filter((path) => path.endsWith('rbac.yaml'));
  expect(manifests).toEqual(['clusters/default/namespaces/ns1/user-bob/rbac.yaml']);
});
