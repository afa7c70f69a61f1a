import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type ControlPlane, startControlPlane, type StaticUser } from '@leastwise/testkit';

import { type Logged, readLogged, sendAll, type Sender, type Sent } from './observe.ts';
import { REQUESTS } from './requests.ts';

/** What all of the servers have in common. */
export interface PolicyServersOptions {
  /** A folder of their own; must exist. */
  readonly dir: string;
  readonly apiServer: string;
  /** Everybody who ever sends something. */
  readonly users: readonly StaticUser[];
}

/**
 * API servers that are given one audit policy after the other. A policy is read when a server starts; its etcd and its
 * certificate outlive that, which is half of the time that a start takes. There are as many as are asked at a time.
 */
export class PolicyServers implements AsyncDisposable {
  readonly #options: PolicyServersOptions;
  readonly #stopped: ControlPlane[] = [];
  #started = 0;

  constructor(options: PolicyServersOptions) {
    this.#options = options;
  }

  /**
   * Starts a server with a policy, sends all requests, and tells what its log has of them.
   * @throws Error where the server refuses the policy
   */
  async observe(
    auditPolicy: string,
    senders: readonly Sender[],
  ): Promise<{ sent: readonly Sent[]; logged: ReadonlyMap<string, Logged> }> {
    const plane = await this.#start(auditPolicy);
    try {
      const sent = await sendAll(plane, senders, REQUESTS);
      // What it still has to say about requests, it says before it ends.
      await plane.stop();
      return { sent, logged: await readLogged(plane.auditLog) };
    } finally {
      this.#stopped.push(plane);
    }
  }

  async #start(auditPolicy: string): Promise<ControlPlane> {
    const plane = this.#stopped.pop();
    if (plane === undefined) return this.#startFirst(auditPolicy);
    try {
      await plane.restart(async () => {
        await rm(plane.auditLog, { force: true });
        await writeFile(plane.auditPolicyFile, auditPolicy);
      });
    } catch (error) {
      this.#stopped.push(plane);
      throw error;
    }
    return plane;
  }

  async #startFirst(auditPolicy: string): Promise<ControlPlane> {
    this.#started += 1;
    const dir = join(this.#options.dir, String(this.#started));
    await mkdir(dir);
    return startControlPlane({ ...this.#options, dir, auditPolicy });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stopped.map((plane) => plane[Symbol.asyncDispose]()));
  }
}
