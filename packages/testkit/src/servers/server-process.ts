import { setTimeout as sleep } from 'node:timers/promises';

import { type Child, untilReady } from './child.ts';

/** A server process that a test may treat badly. */
export interface ServerProcess extends AsyncDisposable {
  /** Of the process that runs, or of the last one. */
  readonly pid: number;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** An orderly end; resolves when it has ended. */
  stop(): Promise<void>;
  /** The same ports and the same data; stops it first where it runs. Resolves when it is ready. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

/** How a server is started, any number of times. */
export interface Launch {
  /** What it is called in errors. */
  readonly what: string;
  readonly start: () => Child;
  readonly isReady: () => Promise<boolean>;
}

/** One server, started and started again by the same recipe. */
export class LaunchedServer implements ServerProcess {
  readonly #launch: Launch;
  #child: Child;

  constructor(launch: Launch) {
    this.#launch = launch;
    this.#child = launch.start();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it answers. @throws Error with its last words where it ended; nothing runs then */
  async ready(): Promise<void> {
    try {
      await untilReady(this.#launch.what, this.#child, this.#launch.isReady, 60_000);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  async stop(): Promise<void> {
    // Redis refuses to end while it writes its first append-only file, and forgets that it was asked.
    const again = setInterval(() => this.#child.kill('SIGTERM'), 300);
    await this.#child.stop();
    clearInterval(again);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#child = this.#launch.start();
    await this.ready();
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * Runs `start` again, with other ports, where the server could not come up: another process may have taken the port
 * between the look and the start.
 */
export async function withOtherPorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const isTaken = error instanceof Error && /address already in use/i.test(error.message);
      if (attempt === 3 || !isTaken) throw error;
    }
  }
}

/** Asks until the answer is yes. @throws Error after `timeoutMs` */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not so within ${timeoutMs} ms`);
    await sleep(50);
  }
}

/** Stops all of them, whatever becomes of each. */
export async function stopAll(servers: readonly ServerProcess[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
