import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const SOURCES = fileURLToPath(new URL('../', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url));

/**
 * Puts this package as JavaScript into a folder, where a child process can run it: Node 20 runs no
 * TypeScript, and what was built may be older than the sources.
 * @returns the path there of a source file.
 */
export async function javascriptOf(file: URL, folder: string): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(MODULES, join(folder, 'node_modules'));
  for (const entry of await readdir(SOURCES, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    const from = join(entry.parentPath, entry.name);
    const { outputText } = ts.transpileModule(await readFile(from, 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const to = join(folder, relative(SOURCES, from).replace(/\.ts$/, '.js'));
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, outputText);
  }
  return join(folder, relative(SOURCES, fileURLToPath(file)).replace(/\.ts$/, '.js'));
}
