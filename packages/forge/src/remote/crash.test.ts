import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { ForgeError, LeaseLostError } from '@leastwise/publish';
import type { Branch, Remote } from '@leastwise/publish';

import { git, temporaryDirectory } from '../testing/temporary.ts';
import { openGitRemote } from './git-remote.ts';
import { bareRepository } from './testing/bare.ts';
import { javascriptOfForge } from './testing/javascript.ts';

type Child = ChildProcessByStdio<null, Readable, null>;

let sources: string;
let pusher: string;
const children: Child[] = [];
const opened: Remote[] = [];

beforeAll(() => {
  sources = mkdtempSync(join(tmpdir(), 'leastwise-js-'));
  pusher = join(javascriptOfForge(sources), 'remote/testing/pusher.js');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const remote of opened.splice(0)) await remote[Symbol.asyncDispose]();
});
afterAll(() => {
  rmSync(sources, { recursive: true, force: true });
});

/** A process that has begun to push. */
async function startPusher(root: string, folder: string): Promise<Child> {
  const child = spawn(process.execPath, [pusher, root, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[];
  expect(Buffer.isBuffer(first), 'it has begun').toBe(true);
  return child;
}

async function kill(child: Child): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function untilThere(path: string): Promise<void> {
  for (let attempts = 0; !existsSync(path) && attempts < 600; attempts++) await sleep(50);
  expect(existsSync(path)).toBe(true);
}

/**
 * Looks and pushes as the next process would, and gives the branch as it was before that push. What the dead process
 * started may be pushing still: then the lease is lost, or the server has the branch locked, and one looks again.
 */
async function goOn(root: string, folder: string, content: string): Promise<Branch | undefined> {
  const remote = await openGitRemote({ url: root, base: 'main', folder });
  opened.push(remote);
  const changes = [{ action: 'write', path: 'n', content }] as const;
  for (let attempts = 0; ; attempts++) {
    const { base, branches } = await remote.fetch('leastwise/');
    const branch = branches.get('leastwise/a');
    const commit = { branch: 'leastwise/a', parent: base, changes, message: 'm', expected: branch?.tip };
    try {
      const tip = await remote.push(commit);
      const after = (await remote.fetch('leastwise/')).branches.get('leastwise/a');
      expect(after).toMatchObject({ tip, isOurs: true, changes });
      expect((await remote.read(tip, [])).size).toBe(2);
      expect(readdirSync(folder)).toEqual(['mirror.git']);
      return branch;
    } catch (error) {
      const isRace =
        error instanceof LeaseLostError || (error instanceof ForgeError && error.failure === 'refused');
      if (!isRace || attempts === 20) throw error;
      await sleep(100);
    }
  }
}

describe('a process that is killed', { timeout: 120_000 }, () => {
  test('in the middle of a push: the next one goes on, whether the push arrives or not', async () => {
    const root = bareRepository(new Map([['a', '1']]));
    const folder = join(temporaryDirectory(), 'mirror');
    const gate = temporaryDirectory();
    mkdirSync(join(root, 'hooks'), { recursive: true });
    const hook = join(root, 'hooks/pre-receive');
    const wait = `touch '${gate}/reached'\nwhile [ ! -e '${gate}/open' ]; do sleep 0.1; done\ntouch '${gate}/passed'`;
    writeFileSync(hook, `#!/bin/sh\n${wait}\n`, { mode: 0o755 });
    const child = await startPusher(root, folder);
    await untilThere(join(gate, 'reached'));
    await kill(child);
    // What the dead process started is still at it.
    rmSync(hook);
    expect(await goOn(root, folder, 'meanwhile')).toBeUndefined();
    writeFileSync(join(gate, 'open'), '');
    await untilThere(join(gate, 'passed'));
    expect(await goOn(root, folder, 'afterwards')).toMatchObject({ isOurs: true });
    expect(git(root, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test('at any moment: the next one finds the branch ours, and goes on in the same folder', async () => {
    const root = bareRepository(new Map([['a', '1']]));
    const folder = join(temporaryDirectory(), 'mirror');
    for (let round = 0; round < 8; round++) {
      const child = await startPusher(root, folder);
      await sleep(35 * round);
      await kill(child);
      const branch = await goOn(root, folder, String(1000 * (round + 1)));
      expect(branch?.isOurs ?? true).toBe(true);
    }
    expect(git(root, 'fsck', '--strict', '--no-dangling')).toBe('');
  });
});
