import { open, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { StateError } from './types.ts';

interface Owner {
  readonly pid: number;
  /** When the process started, in the kernel's clock; `''` where the system does not tell. */
  readonly start: string;
  readonly host: string;
}

// All of it is in the name, so that a lock is whole as soon as it exists.
const LOCK = /^lock-([1-9][0-9]{0,9})-([0-9]*)-(.+)$/;

function fileOf(owner: Owner): string {
  return `lock-${owner.pid}-${owner.start}-${owner.host}`;
}

function ownerOf(file: string): Owner | undefined {
  const [, pid, start, host] = LOCK.exec(file) ?? [];
  if (pid === undefined || start === undefined || host === undefined) return undefined;
  return { pid: Number(pid), start, host };
}

/**
 * State and start of a process as Linux tells them, see proc_pid_stat(5): after the command in
 * parentheses, which may hold anything, the 1st and the 20th field.
 */
async function statOf(pid: number): Promise<{ state: string; start: string } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whether the owner may still be at work. Of other machines nobody here can tell. */
async function mayLive(owner: Owner, self: Owner): Promise<boolean> {
  if (owner.host !== self.host) return true;
  if (!exists(owner.pid)) return false;
  const stat = await statOf(owner.pid);
  if (!stat) return true;
  const isZombie = stat.state === 'Z' || stat.state === 'X';
  // A process number is given out again, after a reboot or in a restarted container at once.
  return !isZombie && (owner.start === '' || stat.start === owner.start);
}

function refusal(folder: string, owner: Owner, self: Owner): StateError {
  const where = owner.host === self.host ? '' : ` on ${owner.host}`;
  const file = join(folder, fileOf(owner));
  return new StateError(
    `${folder}: in use by process ${owner.pid}${where}; if that process is gone, remove ${file}`,
  );
}

/**
 * Takes a folder for this process alone. Each process puts a lock of its own there and then looks for
 * others, so of two that come at once at least one sees the other; both may be refused, never none.
 * Locks of processes that died are cleared away.
 * @returns what gives the folder free again.
 * @throws StateError naming the process that has the folder.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const start = (await statOf(process.pid))?.start ?? '';
  const self: Owner = { pid: process.pid, start, host: hostname().replace(/[^A-Za-z0-9.-]/g, '_') };
  const path = join(folder, fileOf(self));
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw refusal(folder, self, self);
    throw error;
  }
  const release = (): Promise<void> => rm(path, { force: true });
  try {
    for (const file of await readdir(folder)) {
      const owner = ownerOf(file);
      if (!owner || file === fileOf(self)) continue;
      if (await mayLive(owner, self)) throw refusal(folder, owner, self);
      await rm(join(folder, file), { force: true });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}
