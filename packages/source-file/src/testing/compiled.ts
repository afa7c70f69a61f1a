import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PACKAGES = new URL('../../../', import.meta.url);

/** A process of its own that runs a module against the sources as they are, and what it printed. */
export interface Script {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves to what ended it: an exit code or a signal. */
  readonly ended: Promise<number | string>;
}

/**
 * Runs `source`, an ES module that may import `@leastwise/source` and `@leastwise/source-file`, in a process that can
 * be killed and have its own environment.
 */
export async function runScript(
  folder: string,
  source: string,
  env: Record<string, string> = {},
): Promise<Script> {
  await compile(folder, 'source');
  await compile(folder, 'source-file');
  for (const name of ['fzstd', 'tinyglobby']) {
    const installed = fileURLToPath(new URL(`../node_modules/${name}`, PACKAGES));
    await symlink(installed, join(folder, 'node_modules', name));
  }
  const file = join(folder, 'script.mjs');
  await writeFile(file, source);
  const child = spawn(process.execPath, [file], { env: { ...process.env, ...env }, cwd: folder });
  const printed: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => printed.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => printed.push(bytes));
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { process: child, output: () => Buffer.concat(printed).toString(), ended };
}

async function compile(folder: string, name: string): Promise<void> {
  const from = new URL(`${name}/src/`, PACKAGES);
  const to = join(folder, 'node_modules', '@leastwise', name);
  await mkdir(to, { recursive: true });
  await writeFile(join(to, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
  for (const file of await readdir(from)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const { outputText } = ts.transpileModule(await readFile(new URL(file, from), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    });
    await writeFile(join(to, file.replace(/\.ts$/, '.js')), outputText);
  }
}
