import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where servers are kept that were fetched or built once. */
export const SERVER_CACHE = join(homedir(), '.cache', 'leastwise-test');

/** A server that runs for a test, its output in a file. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has ended, which is an error for whoever did not stop it. */
  readonly ended: Promise<void>;
  /** Sends a signal; nothing where it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL where that does not help; a paused one is woken up for it. */
  stop(): Promise<void>;
  /** What it said last. */
  output(): Promise<string>;
}

const running = new Set<ChildProcess>();
// A run that is broken off leaves no servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Makes Linux end a server whose test process was itself killed and could not do it. */
const DIES_WITH_PARENT = ['/usr/bin/setpriv', '--pdeathsig', 'KILL'];
const [SETPRIV = ''] = DIES_WITH_PARENT;

/** Starts a server with stdout and stderr in `logFile`. */
export function startChild(
  command: string,
  args: readonly string[],
  logFile: string,
  environment: NodeJS.ProcessEnv = process.env,
): Child {
  const log = openSync(logFile, 'a');
  const line = [...(existsSync(SETPRIV) ? DIES_WITH_PARENT : []), command, ...args];
  const child = spawn(line[0] ?? command, line.slice(1), { stdio: ['ignore', log, log], env: environment });
  closeSync(log);
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
    kill: (signal) => {
      child.kill(signal);
    },
    stop: async () => {
      child.kill('SIGTERM');
      child.kill('SIGCONT');
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
 * A free port outside the range from which systems serve outgoing connections, so that a server can come back to it;
 * nobody listens 10 000 above it either, where a Redis Cluster's own traffic goes.
 */
export async function stablePort(): Promise<number> {
  for (let attempts = 0; attempts < 100; attempts++) {
    const port = randomInt(10_000, 22_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error('no free port between 10000 and 22000');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether something on loopback takes connections at that port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Whether a process of that number is there. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
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
