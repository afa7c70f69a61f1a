import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { SourceError } from '@leastwise/source';
import { hasCode } from './inputs.ts';
import { messageOf } from './raw-bytes.ts';

/** Where the reading of a log can be taken up again: the start of a line, known by what stands there. */
export interface FollowPosition {
  /** Bytes of the file before it. */
  readonly offset: number;
  /** How many bytes from there are compared, and their SHA-256. A file may be renamed; this finds it. */
  readonly headBytes: number;
  readonly headSha256: string;
  /** When the file was last written, as it was known then; nanoseconds since the epoch. */
  readonly writtenNs: bigint;
}

/** How the API server begins each line of its log. Records of no other form begin so at the start of a line. */
const EVENT = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/');
const EVENT_ON_NEW_LINE = Buffer.concat([Buffer.from('\n'), EVENT]);
const HEAD_BYTES = 256;
/** An event's auditID stands within these. */
const MIN_HEAD_BYTES = 160;

/**
 * The last place within `bytes`, which stand at `offset` of a file, where reading may begin again and miss no record:
 * the start of an event on a line of its own, of which enough is there to know it again. In a log of another form
 * that is the start of the file, for its records may stretch over lines. `undefined` where there is none.
 *
 * @param isLineStart - whether a line begins with `bytes`
 */
export function lastPosition(
  bytes: Uint8Array,
  offset: number,
  isLineStart: boolean,
  writtenNs: bigint,
): FollowPosition | undefined {
  if (bytes.length < MIN_HEAD_BYTES) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const newline = buffer.lastIndexOf(EVENT_ON_NEW_LINE, buffer.length - MIN_HEAD_BYTES - 1);
  const beginsEvent = isLineStart && buffer.subarray(0, EVENT.length).equals(EVENT);
  if (newline < 0 && !beginsEvent && offset > 0) return undefined;
  const at = newline + 1;
  const head = buffer.subarray(at, at + HEAD_BYTES);
  return { offset: offset + at, headBytes: head.length, headSha256: digestOf(head), writtenNs };
}

/** Whether a file holds a position: the same bytes in the same place. False where it cannot be read. */
export async function holdsPosition(path: string, position: FollowPosition): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(position.headBytes);
      const { bytesRead } = await file.read(head, 0, head.length, position.offset);
      return bytesRead === head.length && digestOf(head) === position.headSha256;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

/** Keeps a position in a file, on behalf of whoever acknowledges chunks. */
export class PositionFile {
  readonly #path: string;
  /** What becomes the position when a chunk is acknowledged, in the order of chunks. */
  #noted: { readonly chunk: number; readonly position: FollowPosition }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** The position that was kept last; `undefined` where there is none, or, said to `warn`, none that is whole. */
  async load(warn: (text: string) => void): Promise<FollowPosition | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return undefined;
      throw new SourceError(`cannot read ${this.#path}: ${messageOf(cause)}`, { cause });
    }
    const position = parsePosition(text);
    if (position === undefined) {
      warn(`${this.#path} is damaged: logs that were rotated since the last run are not looked for`);
    }
    return position;
  }

  /** Remembers what the position is once `chunk` is acknowledged. */
  note(chunk: number, position: FollowPosition): void {
    this.#noted.push({ chunk, position });
  }

  /**
   * Makes the newest position durable that was noted for chunks up to `chunk`.
   * @throws SourceError where it cannot be written.
   */
  async keep(chunk: number): Promise<void> {
    const newest = this.#noted.findLast((noted) => noted.chunk <= chunk);
    if (newest === undefined) return;
    this.#noted = this.#noted.filter((noted) => noted.chunk > chunk);
    const { offset, headBytes, headSha256, writtenNs } = newest.position;
    const content = { version: 1, offset, headBytes, headSha256, writtenNs: String(writtenNs) };
    const temporary = `${this.#path}.tmp`;
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(content)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (cause) {
      throw new SourceError(`cannot write ${this.#path}: ${messageOf(cause)}`, { cause });
    }
  }
}

function parsePosition(text: string): FollowPosition | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version, offset, headBytes, headSha256, writtenNs } = Object(value) as Record<string, unknown>;
  const isWhole =
    version === 1 &&
    typeof offset === 'number' &&
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    typeof headBytes === 'number' &&
    headBytes >= MIN_HEAD_BYTES &&
    headBytes <= HEAD_BYTES &&
    typeof headSha256 === 'string' &&
    typeof writtenNs === 'string' &&
    /^\d{1,20}$/.test(writtenNs);
  return isWhole ? { offset, headBytes, headSha256, writtenNs: BigInt(writtenNs) } : undefined;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
