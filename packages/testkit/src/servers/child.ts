import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that runs for a test, its output in a file. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has ended, which is an error for whoever did not stop it. */
  readonly ended: Promise<void>;
  /** SIGTERM, and SIGKILL where that does not help. */
  stop(): Promise<void>;
  /** What it said last. */
  output(): Promise<string>;
}

const running = new Set<ChildProcess>();
// A run that is broken off leaves no servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a server with stdout and stderr in `logFile`. */
export function startChild(
  command: string,
  args: readonly string[],
  logFile: string,
  environment: NodeJS.ProcessEnv = process.env,
): Child {
  const log = openSync(logFile, 'a');
  const child = spawn(command, [...args], { stdio: ['ignore', log, log], env: environment });
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
    },
    output: async () => (await readFile(logFile, 'utf8')).slice(-4000),
  };
}

/** A port of the loopback interface that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

/**
 * Asks until `isReady` says yes.
 * @throws Error with the server's last words where it ended, or where `timeoutMs` passed
 */
export async function untilReady(
  what: string,
  child: Child,
  isReady: () => Promise<boolean>,
  timeoutMs = 120_000,
): Promise<void> {
  const state = { hasEnded: false };
  void child.ended.then(() => {
    state.hasEnded = true;
  });
  const end = Date.now() + timeoutMs;
  while (!(await isReady().catch(() => false))) {
    if (state.hasEnded || Date.now() > end) {
      throw new Error(`${what} ${state.hasEnded ? 'ended' : 'is not ready'}:\n${await child.output()}`);
    }
    await sleep(100);
  }
}
