import type { FileHandle } from 'node:fs/promises';
import { SourceError } from '@leastwise/source';
import { messageOf, openForReading } from './raw-bytes.ts';
import { identify, identityOf } from './rotation.ts';
import type { FileIdentity } from './rotation.ts';

const READ_BYTES = 1 << 20;

/** As much of what was read last is compared, to see whether the file was rewritten. */
const FINGERPRINT_BYTES = 256;

/** One open file that is still being written, and how far it was read. */
export class Tail {
  readonly path: string;
  readonly inode: string;
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #offset: number;
  #fingerprint: Uint8Array = new Uint8Array(0);

  private constructor(found: FileIdentity, file: FileHandle, offset: number) {
    this.path = found.path;
    this.inode = found.inode;
    this.#file = file;
    this.#offset = offset;
  }

  /**
   * Opens the file that was found, or gives undefined where its path names another or nothing by now.
   * @throws SourceError where it is there but cannot be opened.
   */
  static async open(found: FileIdentity, offset: number): Promise<Tail | undefined> {
    let file: FileHandle;
    try {
      file = await openForReading(found.path);
    } catch (error) {
      if ((await identityOf(found.path))?.inode !== found.inode) return undefined;
      throw error;
    }
    const opened = identify(found.path, await file.stat({ bigint: true }));
    if (opened.inode === found.inode) return new Tail(found, file, offset);
    await file.close();
    return undefined;
  }

  /**
   * The next bytes, valid until the next call; none at the present end.
   * @throws SourceError where reading fails.
   */
  async read(): Promise<Uint8Array> {
    try {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, READ_BYTES, this.#offset);
      const bytes = this.#buffer.subarray(0, bytesRead);
      this.#offset += bytesRead;
      const last = bytesRead < FINGERPRINT_BYTES ? Buffer.concat([this.#fingerprint, bytes]) : bytes;
      if (bytesRead > 0) this.#fingerprint = Buffer.from(last.subarray(-FINGERPRINT_BYTES));
      return bytes;
    } catch (cause) {
      throw new SourceError(`cannot read ${this.path}: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Whether the file is shorter than what was read of it, or no longer has the bytes that were read last: it was
   * truncated, and may have grown past the old place since.
   */
  async wasRewritten(): Promise<boolean> {
    const { size } = await this.#file.stat();
    if (size < this.#offset) return true;
    const length = this.#fingerprint.length;
    if (size === this.#offset || length === 0) return false;
    const now = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(now, 0, length, this.#offset - length);
    return bytesRead < length || !now.equals(this.#fingerprint);
  }

  /** How much of it was read. */
  get offset(): number {
    return this.#offset;
  }

  /** Goes back to the beginning. */
  restart(): void {
    this.#offset = 0;
    this.#fingerprint = new Uint8Array(0);
  }

  /** The file as it is now. */
  async identity(): Promise<FileIdentity> {
    return identify(this.path, await this.#file.stat({ bigint: true }));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
