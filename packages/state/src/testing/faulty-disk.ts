import { basename } from 'node:path';

import { type Disk, nodeDisk } from '../disk.ts';

/** A disk that writes its steps down and can be broken. */
export class FaultyDisk implements Disk {
  readonly steps: string[] = [];
  /** The step, from 0, at which it breaks, and whether it is broken for ever, like that of a dead process. */
  breaksAt = Infinity;
  staysBroken = false;
  #broken = false;

  async #step<T>(name: string, work: () => Promise<T>, torn?: () => Promise<void>): Promise<T> {
    if (this.#broken && this.staysBroken) throw new Error('the process is dead');
    if (this.steps.length === this.breaksAt) {
      this.#broken = true;
      this.steps.push(`${name} fails`);
      await torn?.();
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    }
    this.steps.push(name.replace(/[0-9a-f]{64}/g, '*'));
    return work();
  }

  write(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const all = [...pieces];
    const half = (): Promise<void> => nodeDisk.write(path, [Buffer.concat(all).subarray(0, 99)]);
    return this.#step(`write ${basename(path)}`, () => nodeDisk.write(path, all), half);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(`rename to ${basename(to)}`, () => nodeDisk.rename(from, to));
  }

  syncFolder(folder: string): Promise<void> {
    return this.#step(`sync ${basename(folder)}`, () => nodeDisk.syncFolder(folder));
  }

  remove(path: string): Promise<void> {
    return this.#step(`remove ${basename(path)}`, () => nodeDisk.remove(path));
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#step('list', () => nodeDisk.list(folder));
  }
}
