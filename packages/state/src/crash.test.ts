import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { identityOf, stateOf } from './conformance/deltas.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { temporaryFolder } from './testing/folder.ts';
import { javascriptOf } from './testing/javascript.ts';
import { applyNext, requestsUpTo } from './testing/requests.ts';
import { StateError } from './types.ts';

type Folder = Awaited<ReturnType<typeof temporaryFolder>>;

let folder: Folder;
let writer: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  const scope = await javascriptOf(['activity', 'audit-event', 'rbac', 'state'], folder.path);
  writer = join(scope, 'state/src/testing/writer.js');
});
afterAll(() => folder.remove());

/** A process that writes to a state, batch after batch. */
class Writer {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  /** Batches that it knows to be durable. */
  durable = -1;
  readonly #begun: Promise<unknown>;

  constructor(dir: string) {
    this.process = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(this.process.stdout);
    lines.on('line', (line) => {
      this.durable = Number(line);
    });
    this.#begun = once(lines, 'line');
  }

  async begun(): Promise<void> {
    await Promise.race([this.#begun, once(this.process, 'exit')]);
    expect(this.durable).toBeGreaterThanOrEqual(0);
  }

  async kill(): Promise<void> {
    const closed = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await closed;
  }
}

describe('a killed process', () => {
  it('leaves the state before or after the flush it was killed in', { timeout: 120_000 }, async () => {
    const dir = join(folder.path, 'killed');
    for (let round = 0; round < 25; round += 1) {
      const child = new Writer(dir);
      await child.begun();
      await setTimeout(Math.random() * 40);
      await child.kill();

      await using store = await openEmbeddedStore({ dir });
      const claim = await store.claim('log');
      const reached = Number(claim.position);
      // It may have died between the flush and telling of it.
      expect([child.durable, child.durable + 1]).toContain(reached);
      const requests = requestsUpTo(reached);
      expect(await store.read()).toEqual(stateOf(requests));
      expect(requests.every(({ identity }) => claim.isCounted(identity))).toBe(true);
      expect(claim.isCounted(identityOf(requests.length))).toBe(false);
      expect(await store.facts()).toMatchObject({ onlyReceived: reached === 0 ? 0 : 1 });
    }
  });

  it('leaves a lock that the next one takes over; while it lives, it has the folder to itself', async () => {
    const dir = join(folder.path, 'locked');
    const child = new Writer(dir);
    await child.begun();
    const refused = openEmbeddedStore({ dir });
    await expect(refused).rejects.toThrow(StateError);
    await expect(refused).rejects.toThrow(`in use by process ${child.process.pid}`);
    await child.kill();
    await using store = await openEmbeddedStore({ dir });
    const claim = await store.claim('log');
    expect(await applyNext(store, claim, Number(claim.position))).toBe('applied');
  });
});
