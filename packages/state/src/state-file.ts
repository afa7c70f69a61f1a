import { isUtf8 } from 'node:buffer';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import type { Content } from './content.ts';
import { Fields, Malformed } from './fields.ts';
import { encodeHeader, type FingerprintsInfo, type Header, readHeader } from './header.ts';
import { clusterLines, ClusterReader } from './state-lines.ts';
import { StateError } from './types.ts';

const PIECE_BYTES = 1 << 18;
// A rule with all its names, each of full length, stays far below.
const MAX_LINE_BYTES = 1 << 28;

/** What a state file holds: all of a state but the fingerprints, which it names. */
export interface StateFile extends Header {
  readonly clusters: Content['clusters'];
  /** Of all lines but the last. */
  readonly digest: string;
}

function* stateLines(content: Content, fingerprints: FingerprintsInfo): Generator<string, void> {
  yield encodeHeader({ ...content, fingerprints });
  yield* clusterLines(content.clusters);
}

/**
 * A state file, piece by piece. Its last line has the digest of the lines before it, so that no damage
 * goes unseen; that is what `digest` is at the end.
 */
export function* statePieces(
  content: Content,
  fingerprints: FingerprintsInfo,
  digest: Hash,
): Generator<Uint8Array, void> {
  let text = '';
  for (const line of stateLines(content, fingerprints)) {
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

/** Takes the lines of a state file in turn. */
class StateReader {
  readonly #clusters = new ClusterReader();
  readonly #digest = createHash('sha256');
  #header: Header | undefined;
  /** What the last line says, once it was read. */
  #ended: string | undefined;
  /** The line that was read last, from 1. */
  number = 0;

  line(bytes: Buffer): void {
    this.number += 1;
    if (bytes.length > MAX_LINE_BYTES) throw new Malformed('the line is too long');
    if (this.#ended !== undefined) throw new Malformed('there is something after the end');
    if (!isUtf8(bytes)) throw new Malformed('not UTF-8');
    const isEnd = this.#parse(bytes.toString('utf8'));
    if (!isEnd) this.#digest.update(bytes).update('\n');
  }

  /** @returns whether it is the last line, which the digest does not cover. */
  #parse(line: string): boolean {
    if (!this.#header) {
      this.#header = readHeader(line);
      return false;
    }
    const fields = Fields.parse(line);
    const kind = fields.string();
    if (kind === 'end') this.#end(fields);
    else this.#clusters.line(kind, fields);
    return kind === 'end';
  }

  #end(fields: Fields): void {
    const digest = this.#digest.digest('hex');
    if (fields.string() !== digest) throw new Malformed('the digest does not fit: a line above was changed');
    fields.end();
    this.#ended = digest;
  }

  /** After the last line. `rest` is whether something without an end follows. */
  finish(rest: boolean): StateFile {
    if (!this.#header || this.#ended === undefined || rest) {
      this.number += 1;
      throw new Malformed('the file is cut off');
    }
    this.#clusters.end();
    return { ...this.#header, clusters: this.#clusters.clusters, digest: this.#ended };
  }
}

/** Hands over the lines of a file without their ends. @returns whether something without an end follows. */
async function eachLine(path: string, take: (line: Buffer) => void): Promise<boolean> {
  let open: Buffer[] = [];
  let openBytes = 0;
  const takeOpen = (): void => {
    take(Buffer.concat(open));
    open = [];
    openBytes = 0;
  };
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      if (openBytes === 0) {
        take(chunk.subarray(start, end));
      } else {
        open.push(chunk.subarray(start, end));
        takeOpen();
      }
      start = end + 1;
    }
    if (start === chunk.length) continue;
    open.push(chunk.subarray(start));
    openBytes += chunk.length - start;
    // Nobody waits for the end of a line that is too long already.
    if (openBytes > MAX_LINE_BYTES) takeOpen();
  }
  return openBytes > 0;
}

/**
 * Reads a state file, line by line.
 * @returns `undefined` where there is none.
 * @throws StateError naming file, line and reason where it is damaged or of another version.
 */
export async function readStateFile(path: string): Promise<StateFile | undefined> {
  const reader = new StateReader();
  try {
    const rest = await eachLine(path, (line) => {
      reader.line(line);
    });
    return reader.finish(rest);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof Malformed)) throw error;
    throw new StateError(`${path}:${reader.number}: ${error.message}`, { cause: error });
  }
}
