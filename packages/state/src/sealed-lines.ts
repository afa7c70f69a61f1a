import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';

import { Fields, Malformed } from './fields.ts';

const PIECE_BYTES = 1 << 18;
// A rule with all its names, each of full length, stays far below.
const MAX_LINE_BYTES = 1 << 28;
const END = '["end",';

/**
 * Lines as a file, piece by piece. Its last line has the digest of the lines before it, so that no damage
 * goes unseen; that is what `digest` is at the end.
 */
export function* sealedPieces(lines: Iterable<string>, digest: Hash): Generator<Uint8Array, void> {
  let text = '';
  for (const line of lines) {
    text += line + '\n';
    if (text.length < PIECE_BYTES) continue;
    const piece = Buffer.from(text);
    digest.update(piece);
    yield piece;
    text = '';
  }
  const last = Buffer.from(text);
  digest.update(last);
  yield last;
  yield Buffer.from(JSON.stringify(['end', digest.copy().digest('hex')]) + '\n');
}

/** Cuts the bytes of a file into its lines, without their ends. */
export class LineCutter {
  #open: Buffer[] = [];
  #openBytes = 0;

  /** The lines that are whole with this chunk, of which they are parts. */
  *push(chunk: Buffer): Generator<Buffer, void> {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      yield this.#take(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#open.push(chunk.subarray(start));
    this.#openBytes += chunk.length - start;
    // Nobody waits for the end of a line that is too long already.
    if (this.#openBytes > MAX_LINE_BYTES) yield this.#take(Buffer.alloc(0));
  }

  /** Whether something without an end is left. */
  get hasRest(): boolean {
    return this.#openBytes > 0;
  }

  #take(rest: Buffer): Buffer {
    if (this.#openBytes === 0) return rest;
    const line = Buffer.concat([...this.#open, rest]);
    this.#open = [];
    this.#openBytes = 0;
    return line;
  }
}

/** Takes the lines of a sealed file in turn. */
export class SealedReader {
  readonly #digest = createHash('sha256');
  #ended: string | undefined;
  /** The line that was read last, from 1. */
  number = 0;

  /**
   * @returns the text of a line; `undefined` where it is the last one, which the digest does not cover.
   * @throws Malformed
   */
  line(bytes: Buffer): string | undefined {
    this.number += 1;
    if (bytes.length > MAX_LINE_BYTES) throw new Malformed('the line is too long');
    if (this.#ended !== undefined) throw new Malformed('there is something after the end');
    if (!isUtf8(bytes)) throw new Malformed('not UTF-8');
    const text = bytes.toString('utf8');
    if (text.startsWith(END)) {
      this.#end(Fields.parse(text));
      return undefined;
    }
    this.#digest.update(bytes).update('\n');
    return text;
  }

  #end(fields: Fields): void {
    const digest = this.#digest.digest('hex');
    fields.string();
    if (fields.string() !== digest) throw new Malformed('the digest does not fit: a line above was changed');
    fields.end();
    this.#ended = digest;
  }

  /**
   * After the last line.
   * @param hasRest - whether something without an end follows it.
   * @returns the digest of all lines but the last one.
   * @throws Malformed
   */
  finish(hasRest: boolean): string {
    if (this.#ended !== undefined && !hasRest) return this.#ended;
    this.number += 1;
    throw new Malformed('the file is cut off');
  }
}
