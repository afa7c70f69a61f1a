import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

import { CliError } from './exit.ts';
import type { Io, TextOutput } from './io.ts';

const require = createRequire(import.meta.url);

/** Where the binary of a service is, beside this program. */
async function binaryOf(service: string): Promise<string | undefined> {
  const name = `@leastwise/${service}`;
  for (const modules of require.resolve.paths(name) ?? []) {
    const folder = join(modules, name);
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const { bin } = JSON.parse(text) as { readonly bin?: Readonly<Record<string, string>> };
    const path = bin?.[`leastwise-${service}`];
    if (path !== undefined) return join(folder, path);
  }
  return undefined;
}

async function forward(from: Readable, to: TextOutput): Promise<void> {
  from.setEncoding('utf8');
  for await (const text of from as AsyncIterable<string>) to.write(text);
}

/**
 * Runs the binary of a service with these arguments, on a thread of its own, as if it were started by itself: a service
 * knows its own configuration, and nobody imports a service.
 * @returns its exit code
 * @throws CliError where the service is not installed
 */
export async function startService(service: string, args: readonly string[], io: Io): Promise<number> {
  const binary = await binaryOf(service);
  if (binary === undefined) {
    throw new CliError(
      `the ${service} is not installed here: where it is, run leastwise-${service} ${args.slice(0, 2).join(' ')}`,
    );
  }
  const worker = new Worker(binary, { argv: [...args], execArgv: [], stdout: true, stderr: true });
  const exited = new Promise<number>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', resolve);
  });
  const [exitCode] = await Promise.all([
    exited,
    forward(worker.stdout, io.stdout),
    forward(worker.stderr, io.stderr),
  ]);
  return exitCode;
}
