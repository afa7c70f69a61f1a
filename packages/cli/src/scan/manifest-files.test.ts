import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';

import { describe, expect, test } from 'vitest';

import { CliError } from '../exit.ts';
import { ownFolder } from '../testing/command.ts';
import { readManifestFiles } from './manifest-files.ts';

const newFolder = ownFolder();
const NOBODY = Readable.from([]);

function folderWith(files: Readonly<Record<string, string>>): string {
  const root = newFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function names(root: string, ...paths: string[]): Promise<string[]> {
  const files = await readManifestFiles(
    paths.map((path) => join(root, path)),
    NOBODY,
  );
  return files.map(({ name }) => relative(root, name));
}

describe('a folder', () => {
  test('is searched for manifests in a fixed order, without what is hidden', async () => {
    const root = folderWith({
      'b.yaml': '',
      'a/z.yml': '',
      'a/b.JSON': '',
      'a/readme.md': '',
      '.hidden.yaml': '',
      '.git/x.yaml': '',
    });
    expect(await names(root, '.')).toEqual(['a/b.JSON', 'a/z.yml', 'b.yaml']);
  });

  test('gives linked files, for kubectl applies them, and no linked folders', async () => {
    const root = folderWith({ 'in/a.yaml': 'a', 'out/b.yaml': 'b' });
    symlinkSync('../out/b.yaml', join(root, 'in/link.yaml'));
    symlinkSync('..', join(root, 'in/up.yaml'));
    expect(await names(root, 'in')).toEqual(['in/a.yaml', 'in/link.yaml']);
    symlinkSync('nowhere', join(root, 'in/broken.yaml'));
    await expect(names(root, 'in')).rejects.toThrow(/broken\.yaml: ENOENT/);
  });

  test('without any is an error: a gate must not pass by looking at nothing', async () => {
    const root = folderWith({ 'only.txt': '' });
    await expect(names(root, '.')).rejects.toThrow(/no \.yaml, \.yml or \.json file below it/);
  });
});

describe('a file', () => {
  test('that is named is read whatever it is called, and once', async () => {
    const root = folderWith({ 'rbac.txt': 'x', 'a.yaml': 'y' });
    expect(await names(root, 'rbac.txt', 'a.yaml', 'rbac.txt', '.')).toEqual(['rbac.txt', 'a.yaml']);
  });

  test('that is not there ends it', async () => {
    await expect(names(newFolder(), 'nowhere.yaml')).rejects.toThrow(CliError);
  });

  test('below the working directory is called as from there', async () => {
    const [file] = await readManifestFiles([join(process.cwd(), 'package.json')], NOBODY);
    expect(file?.name).toBe('package.json');
  });
});

describe('standard input', () => {
  test('is -, read once, characters whole', async () => {
    const bytes = Buffer.from('kind: Rôle');
    const stdin = Readable.from([bytes.subarray(0, 8), bytes.subarray(8)]);
    expect(await readManifestFiles(['-', '-'], stdin)).toEqual([{ name: 'stdin', text: 'kind: Rôle' }]);
  });

  test('is not read without end', async () => {
    const chunk = Buffer.alloc(16 * 1024 * 1024);
    const stdin = Readable.from([chunk, chunk, chunk, chunk, chunk]);
    await expect(readManifestFiles(['-'], stdin)).rejects.toThrow(/stdin: larger than 67108864 bytes/);
  });
});
