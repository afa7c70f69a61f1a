import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

import type { Content } from './content.ts';
import { FINGERPRINT_BYTES, FingerprintSet } from './fingerprint-set.ts';
import type { FingerprintsInfo } from './header.ts';
import { StateError } from './types.ts';

const CHUNK_BYTES = 1 << 18;

/** The three sets of a content. */
export type Fingerprints = Pick<Content, 'counted' | 'resolved' | 'onlyReceived'>;

/** The file of the three sets, one after the other, piece by piece. Read back by {@link readFingerprints}. */
export function* fingerprintPieces(sets: Fingerprints, digest: Hash): Generator<Uint8Array, void> {
  for (const set of [sets.counted, sets.resolved, sets.onlyReceived]) {
    for (const piece of set.pieces()) {
      digest.update(piece);
      yield piece;
    }
  }
}

async function fill(file: FileHandle, bytes: Buffer): Promise<boolean> {
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}

/**
 * Reads the fingerprints that belong to a state.
 * @throws StateError naming the file and the reason where they are missing or damaged.
 */
export async function readFingerprints(path: string, info: FingerprintsInfo): Promise<Fingerprints> {
  const damaged = (reason: string): StateError => new StateError(`${path}: ${reason}`);
  const digest = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const file = await open(path, 'r').catch((error: unknown) => {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? damaged('the fingerprints of the state are missing') : error;
  });
  const readSet = async (size: number): Promise<FingerprintSet> => {
    const set = new FingerprintSet(size);
    for (let left = size * FINGERPRINT_BYTES; left > 0; left -= chunk.length) {
      const piece = chunk.subarray(0, left);
      if (!(await fill(file, piece))) throw damaged('the file is cut off');
      digest.update(piece);
      set.addBytes(piece);
    }
    if (set.size !== size) throw damaged('a fingerprint is there twice');
    return set;
  };
  try {
    // Before anything is made as large as the header says.
    const total = info.counted + info.resolved + info.onlyReceived;
    const { size } = await file.stat();
    if (size !== total * FINGERPRINT_BYTES) throw damaged('the file has another size than the state says');
    const sets = {
      counted: await readSet(info.counted),
      resolved: await readSet(info.resolved),
      onlyReceived: await readSet(info.onlyReceived),
    };
    if (digest.digest('hex') !== info.sha256) throw damaged('the digest does not fit: the file was changed');
    return sets;
  } finally {
    await file.close();
  }
}
