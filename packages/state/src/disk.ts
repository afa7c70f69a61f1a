import { open, readdir, rename, rm } from 'node:fs/promises';

/** What saving a state does to a disk; tests break it at every step. */
export interface Disk {
  /** Puts the pieces into a file that only its owner may read. Whatever had the name is replaced; durable when it resolves. */
  write(path: string, pieces: Iterable<Uint8Array>): Promise<void>;
  /** Switches a file to another name at once, replacing what had it. Durable after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** Removes a file; one that is gone already is no error. */
  remove(path: string): Promise<void>;
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
}

async function write(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  await rm(path, { force: true });
  // Made anew, so that the mode holds and no link leads elsewhere.
  const file = await open(path, 'wx', 0o600);
  try {
    for (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file system of this machine. */
export const nodeDisk: Disk = {
  write,
  rename,
  syncFolder,
  remove: (path) => rm(path, { force: true }),
  list: (folder) => readdir(folder),
};
