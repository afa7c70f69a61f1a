import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { type Content, emptyContent } from './content.ts';
import type { Disk } from './disk.ts';
import { type Fingerprints, fingerprintPieces, readFingerprints } from './fingerprint-file.ts';
import type { FingerprintsInfo } from './header.ts';
import { lockFolder } from './lock.ts';
import { readStateFile, statePieces } from './state-file.ts';
import { SCHEMA_VERSION, StateError } from './types.ts';

const STATE = 'state.ndjson';
const STATE_TEMPORARY = 'state.ndjson.tmp';
const FINGERPRINTS_TEMPORARY = 'fingerprints.tmp';
const FINGERPRINTS = /^fingerprints-[0-9a-f]{64}\.bin$/;

function fingerprintsFile(info: FingerprintsInfo): string {
  return `fingerprints-${info.sha256}.bin`;
}

/** What is durable. */
interface Saved {
  readonly version: number;
  readonly digest: string;
  readonly fingerprints: FingerprintsInfo;
}

// Counted identities only ever become more, and a received one leaves its set only for one of theirs:
// so sets that did not change in size did not change at all.
function isSame(info: FingerprintsInfo, sets: Fingerprints): boolean {
  return (
    info.counted === sets.counted.size &&
    info.resolved === sets.resolved.size &&
    info.onlyReceived === sets.onlyReceived.size
  );
}

function explained(action: string, path: string, error: unknown): Error {
  if (error instanceof StateError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StateError(`${path}: cannot ${action} the state: ${reason}`, { cause: error });
}

/** Makes a folder that only its owner may enter, with its parents, durably. */
async function makeFolder(path: string, disk: Disk): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await disk.syncFolder(dirname(made));
  }
}

/**
 * A state on a disk: `state.ndjson`, which is switched as one, and the file of fingerprints that it
 * names by digest. This process has the folder to itself until `release`.
 */
export class StateFolder {
  readonly #path: string;
  readonly #disk: Disk;
  readonly release: () => Promise<void>;
  #saved: Saved | undefined;

  private constructor(path: string, disk: Disk, release: () => Promise<void>) {
    this.#path = path;
    this.#disk = disk;
    this.release = release;
  }

  /**
   * Takes the folder, made if need be, and clears away what a killed process left half done.
   * @throws StateError where another process has it or it cannot be used.
   */
  static async open(path: string, disk: Disk): Promise<StateFolder> {
    const absolute = resolve(path);
    try {
      await makeFolder(absolute, disk);
      return new StateFolder(absolute, disk, await lockFolder(absolute));
    } catch (error) {
      throw explained('open', path, error);
    }
  }

  /**
   * The content as it was saved last, `undefined` where nothing ever was.
   * @throws StateError where it is damaged or of another version.
   */
  async load(): Promise<Content | undefined> {
    try {
      const state = await readStateFile(join(this.#path, STATE));
      if (!state) {
        await this.#sweep(undefined);
        return undefined;
      }
      const { identityKey, positions, tally, clusters, activity, fingerprints } = state;
      const sets = await readFingerprints(join(this.#path, fingerprintsFile(fingerprints)), fingerprints);
      this.#saved = { version: state.version, digest: state.digest, fingerprints };
      await this.#sweep(fingerprintsFile(fingerprints));
      return { ...emptyContent(identityKey), positions, tally, clusters, activity, ...sets };
    } catch (error) {
      throw explained('read', this.#path, error);
    }
  }

  /** The version of what is on the disk, and how many bytes it takes. */
  async describe(): Promise<{ readonly version: number | undefined; readonly bytes: number }> {
    if (!this.#saved) return { version: undefined, bytes: 0 };
    const { version, fingerprints } = this.#saved;
    let bytes = 0;
    for (const file of [STATE, fingerprintsFile(fingerprints)]) {
      bytes += (await stat(join(this.#path, file))).size;
    }
    return { version, bytes };
  }

  /**
   * Makes a content durable, and touches nothing if it is already. The order is what makes a crash at any
   * moment leave the state before or the state after, whole:
   *
   * 1. the new fingerprints: write, fsync, rename to their digest, fsync the folder;
   * 2. the new state: write, fsync, rename over the old one (the switch), fsync the folder;
   * 3. only then remove the old fingerprints.
   *
   * @throws StateError where the disk fails; what was saved before is still there.
   */
  async save(content: Content): Promise<void> {
    try {
      const fingerprints = await this.#saveFingerprints(content);
      await this.#saveState(content, fingerprints);
    } catch (error) {
      await this.#disk.remove(join(this.#path, FINGERPRINTS_TEMPORARY)).catch(() => undefined);
      await this.#disk.remove(join(this.#path, STATE_TEMPORARY)).catch(() => undefined);
      throw explained('write', this.#path, error);
    }
  }

  async #saveFingerprints(content: Content): Promise<FingerprintsInfo> {
    if (this.#saved && isSame(this.#saved.fingerprints, content)) return this.#saved.fingerprints;
    const digest = createHash('sha256');
    const temporary = join(this.#path, FINGERPRINTS_TEMPORARY);
    await this.#disk.write(temporary, fingerprintPieces(content, digest));
    const info: FingerprintsInfo = {
      sha256: digest.digest('hex'),
      counted: content.counted.size,
      resolved: content.resolved.size,
      onlyReceived: content.onlyReceived.size,
    };
    await this.#disk.rename(temporary, join(this.#path, fingerprintsFile(info)));
    await this.#disk.syncFolder(this.#path);
    return info;
  }

  async #saveState(content: Content, fingerprints: FingerprintsInfo): Promise<void> {
    const hash = createHash('sha256');
    const temporary = join(this.#path, STATE_TEMPORARY);
    await this.#disk.write(temporary, statePieces(content, fingerprints, hash));
    const digest = hash.digest('hex');
    if (digest === this.#saved?.digest) {
      await this.#disk.remove(temporary);
      return;
    }
    // Until the switch is durable, nobody knows which of the two would be found.
    this.#saved = undefined;
    await this.#disk.rename(temporary, join(this.#path, STATE));
    await this.#disk.syncFolder(this.#path);
    this.#saved = { version: SCHEMA_VERSION, digest, fingerprints };
    // The state is safe by now; what cannot be removed goes when the folder is opened next.
    await this.#sweep(fingerprintsFile(fingerprints)).catch(() => undefined);
  }

  /** Removes our own files that no state needs. Others are left alone. */
  async #sweep(needed: string | undefined): Promise<void> {
    for (const file of await this.#disk.list(this.#path)) {
      const isOld = FINGERPRINTS.test(file) && file !== needed;
      if (!isOld && file !== STATE_TEMPORARY && file !== FINGERPRINTS_TEMPORARY) continue;
      await this.#disk.remove(join(this.#path, file));
    }
  }
}
