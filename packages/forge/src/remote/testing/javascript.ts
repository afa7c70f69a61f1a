import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const SCOPE = '@leastwise/';

/**
 * Puts this package and those that it needs as JavaScript where a child process finds them: Node 20 runs no
 * TypeScript, and what was built may be older than the sources.
 * @returns the folder of this package's sources.
 */
export function javascriptOfForge(folder: string): string {
  const modules = join(folder, 'node_modules');
  const names = new Set(['forge']);
  for (const name of names) {
    for (const needed of dependenciesOf(name)) names.add(needed);
    writePackage(name, join(modules, SCOPE, name));
  }
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (`${name}/` !== SCOPE) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return join(modules, SCOPE, 'forge/src');
}

function dependenciesOf(name: string): string[] {
  const text = readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(text) as { dependencies?: Record<string, string> };
  const ours = Object.keys(dependencies ?? {}).filter((each) => each.startsWith(SCOPE));
  return ours.map((each) => each.slice(SCOPE.length));
}

function writePackage(name: string, target: string): void {
  const source = join(ROOT, 'packages', name, 'src');
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const from = join(source, path);
    if (path.endsWith('.test.ts') || !statSync(from).isFile()) continue;
    const to = join(target, 'src', path);
    mkdirSync(dirname(to), { recursive: true });
    if (path.endsWith('.ts')) writeFileSync(to.replace(/\.ts$/, '.js'), javascriptOf(from));
    else copyFileSync(from, to);
  }
  const manifest = { name: SCOPE + name, type: 'module', exports: './src/index.js' };
  writeFileSync(join(target, 'package.json'), JSON.stringify(manifest));
}

function javascriptOf(file: string): string {
  return ts.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  }).outputText;
}
