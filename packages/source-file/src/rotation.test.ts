import { mkdir, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from '@leastwise/source';
import { describe, expect, it } from 'vitest';
import { identify, identityOf, rotatedGenerations } from './rotation.ts';
import { temporaryFolder } from './testing/fixtures.ts';

describe('rotatedGenerations', () => {
  it('finds what rotation makes of a log, oldest first, and nothing else', async () => {
    await using folder = await temporaryFolder();
    const generations = [
      'audit.log.2',
      'audit.log.1',
      'audit.log-20240101',
      'audit-2024-01-01T00-00-00.000.log',
    ];
    const others = [
      'audit.log',
      'audit.log.3.gz',
      'audit-policy.log',
      'audit2.log',
      'other.log.1',
      'audit.log.bak',
    ];
    for (const name of [...others, ...generations]) await writeFile(join(folder.path, name), '');
    for (const [i, name] of generations.entries()) await utimes(join(folder.path, name), 1000 + i, 1000 + i);
    const found = await rotatedGenerations(join(folder.path, 'audit.log'));
    expect(found.map(({ path }) => path.slice(folder.path.length + 1))).toEqual(generations);
  });

  it('looks beside a link and beside what it leads to, and never takes the live file for a generation', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'audit.log');
    await mkdir(join(folder.path, 'pods'));
    const live = join(folder.path, 'pods', '0.log');
    for (const name of [
      'audit-2024-01-01.log',
      'pods/0.log.20240101-000000',
      'pods/0.log',
      'pods/other.log',
    ]) {
      await writeFile(join(folder.path, name), name);
    }
    await symlink(live, path);
    await symlink(live, join(folder.path, 'audit-2024-01-02.log'));
    const found = (await rotatedGenerations(path)).map((each) => each.path.slice(folder.path.length + 1));
    expect(found.sort()).toEqual(['audit-2024-01-01.log', 'pods/0.log.20240101-000000']);
  });

  it('finds nothing where there is no folder', async () => {
    expect(await rotatedGenerations('/nowhere/at/all/audit.log')).toEqual([]);
  });

  it('says that a folder cannot be listed: it may hold what was rotated', async () => {
    await using folder = await temporaryFolder();
    const loop = join(folder.path, 'loop');
    await symlink(loop, loop);
    await expect(rotatedGenerations(join(loop, 'audit.log'))).rejects.toThrow(SourceError);
  });
});

describe('identify', () => {
  it('gives a file one version under any name, and another file another, even with the same inode', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'a');
    await writeFile(path, 'content');
    const before = await identityOf(path);
    await rename(path, `${path}.1`);
    const after = await identityOf(`${path}.1`);
    expect(after?.version).toBe(before?.version);
    const stats = await stat(`${path}.1`, { bigint: true });
    stats.mtimeNs += 1n;
    const reused = identify(path, stats);
    expect(reused.inode).toBe(after?.inode);
    expect(reused.version).not.toBe(after?.version);
  });

  it('knows no file where there is none, also below a file', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'd'));
    await writeFile(join(folder.path, 'f'), '');
    expect(await identityOf(join(folder.path, 'd', 'x'))).toBeUndefined();
    expect(await identityOf(join(folder.path, 'f', 'x'))).toBeUndefined();
  });
});
