import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Our packages that one needs, and those that they need, by the manifests. */
function roomsOf(folder: string, known = new Set<string>()): ReadonlySet<string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const room = name.replace(/^@leastwise\//, '');
    if (room === name || known.has(room)) continue;
    known.add(room);
    roomsOf(`packages/${room}`, known);
  }
  return known;
}

function transpile(from: string, to: string): void {
  for (const path of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.test.ts') || path.includes('testing/')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(from, path), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const file = join(to, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, outputText);
  }
}

/**
 * Puts the publisher and all that it is made of as JavaScript into a folder, where a process can run it: Node 20 runs
 * no TypeScript, and what was built may be older than the sources.
 * @returns the path of its program
 */
export function javascriptOfPublisher(folder: string): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@leastwise'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@leastwise' && !name.startsWith('.')) {
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
  }
  for (const room of roomsOf('services/publisher')) {
    const target = join(modules, '@leastwise', room);
    transpile(join(ROOT, 'packages', room, 'src'), join(target, 'src'));
    const manifest = { name: `@leastwise/${room}`, type: 'module', exports: './src/index.js' };
    writeFileSync(join(target, 'package.json'), JSON.stringify(manifest));
  }
  symlinkSync(join(ROOT, 'packages/state-redis/lua'), join(modules, '@leastwise/state-redis/lua'));
  const program = join(folder, 'publisher');
  transpile(join(ROOT, 'services/publisher/src'), join(program, 'src'));
  writeFileSync(join(program, 'package.json'), '{ "type": "module", "version": "0.1.0" }');
  return join(program, 'src/main.js');
}
