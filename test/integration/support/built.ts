import { execFile, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The command as a shell finds it. */
export const PROGRAM = join(ROOT, 'packages/cli/bin/leastwise.js');
const LOCK = join(
  tmpdir(),
  `leastwise-build-${createHash('sha256').update(ROOT).digest('hex').slice(0, 16)}`,
);

/** Test files run side by side, and only one may build at a time. */
async function lock(): Promise<void> {
  for (;;) {
    try {
      const file = await open(LOCK, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(LOCK, 'utf8').catch(() => '0'));
    if (owner > 0 && !isAlive(owner)) await rm(LOCK, { force: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Builds what is not up to date, so that child processes run the sources as they are. @throws where it does not compile */
export async function build(): Promise<void> {
  await lock();
  try {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [compiler, '-b', ROOT], { cwd: ROOT }).catch(
      (error: unknown) => {
        throw new Error(`it does not compile:\n${(error as { stdout: string }).stdout}`, { cause: error });
      },
    );
  } finally {
    await rm(LOCK, { force: true });
  }
}

/** How a process ended and what it wrote. */
export interface Ended {
  /** The exit code, or the signal that killed it. */
  readonly end: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a process of its own. */
export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ended>;
}

/** Starts the built command. @param flags - of node itself */
export function spawnLeastwise(
  args: readonly string[],
  { flags = [], env = {} }: { readonly flags?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): Child {
  const child = spawn(process.execPath, [...flags, PROGRAM, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  // A process that ended does not read on.
  child.stdin.on('error', () => undefined);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({
        end: code ?? signal ?? 'unknown',
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
  });
  return { process: child, ended };
}

/** Writes to a process's standard input, as fast as it reads. */
export async function feed(child: Child, chunks: Iterable<string>): Promise<void> {
  for (const chunk of chunks) {
    if (child.process.stdin.destroyed) return;
    if (!child.process.stdin.write(chunk)) {
      await Promise.race([new Promise((resolve) => child.process.stdin.once('drain', resolve)), child.ended]);
    }
  }
  child.process.stdin.end();
}
