import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

async function transpile(from: string, to: string): Promise<void> {
  const { outputText } = ts.transpileModule(await readFile(from, 'utf8'), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  await writeFile(to.replace(/\.ts$/, '.js'), outputText);
}

/**
 * Puts packages of this repository as JavaScript where a child process finds them: Node 20 runs no
 * TypeScript, and what was built may be older than the sources.
 * @returns the folder with the packages.
 */
export async function javascriptOf(packages: readonly string[], folder: string): Promise<string> {
  const modules = join(folder, 'node_modules');
  const scope = join(modules, '@leastwise');
  for (const name of packages) {
    const source = join(ROOT, 'packages', name);
    const target = join(scope, name);
    for (const file of await readdir(join(source, 'src'), { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || file.name.endsWith('.test.ts')) continue;
      const from = join(file.parentPath, file.name);
      const to = join(target, 'src', from.slice(join(source, 'src').length));
      await mkdir(dirname(to), { recursive: true });
      if (file.name.endsWith('.ts')) await transpile(from, to);
      else await copyFile(from, to);
    }
    const manifest = { name: `@leastwise/${name}`, type: 'module', exports: './src/index.js' };
    await writeFile(join(target, 'package.json'), JSON.stringify(manifest));
  }
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (name !== '@leastwise') await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return scope;
}
