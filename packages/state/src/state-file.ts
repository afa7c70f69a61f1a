import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import type { Content } from './content.ts';
import { Fields, Malformed } from './fields.ts';
import { encodeHeader, type FingerprintsInfo, type FoundHeader, readHeader } from './header.ts';
import { LineCutter, sealedPieces, SealedReader } from './sealed-lines.ts';
import { clusterLines, ClusterReader } from './state-lines.ts';
import { StateError } from './types.ts';

const PIECE_BYTES = 1 << 18;

/** What a state file holds: all of a state but the fingerprints, which it names. */
export interface StateFile extends FoundHeader {
  readonly clusters: Content['clusters'];
  readonly activity: Content['activity'];
  /** Of all lines but the last. */
  readonly digest: string;
}

function* stateLines(content: Content, fingerprints: FingerprintsInfo): Generator<string, void> {
  yield encodeHeader({ ...content, fingerprints });
  yield* clusterLines(content.clusters, content.activity);
}

/** A state file, piece by piece; `digest` is that of all lines but the last at the end. */
export function statePieces(
  content: Content,
  fingerprints: FingerprintsInfo,
  digest: Hash,
): Generator<Uint8Array, void> {
  return sealedPieces(stateLines(content, fingerprints), digest);
}

/** Takes the lines of a state file in turn. */
class StateReader {
  readonly #clusters = new ClusterReader();
  readonly #sealed = new SealedReader();
  #header: FoundHeader | undefined;

  /** The line that was read last, from 1. */
  get number(): number {
    return this.#sealed.number;
  }

  line(bytes: Buffer): void {
    const line = this.#sealed.line(bytes);
    if (line === undefined) return;
    if (!this.#header) {
      this.#header = readHeader(line);
      return;
    }
    const fields = Fields.parse(line);
    this.#clusters.line(fields.string(), fields);
  }

  /** After the last line. `hasRest` is whether something without an end follows. */
  finish(hasRest: boolean): StateFile {
    const digest = this.#sealed.finish(hasRest);
    if (!this.#header) throw new Malformed('not a state of Leastwise');
    this.#clusters.end();
    const { clusters, activity } = this.#clusters;
    return { ...this.#header, clusters, activity, digest };
  }
}

/**
 * Reads a state file, line by line.
 * @returns `undefined` where there is none.
 * @throws StateError naming file, line and reason where it is damaged or of another version.
 */
export async function readStateFile(path: string): Promise<StateFile | undefined> {
  const reader = new StateReader();
  const cutter = new LineCutter();
  try {
    const chunks = createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      for (const line of cutter.push(chunk)) reader.line(line);
    }
    return reader.finish(cutter.hasRest);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof Malformed)) throw error;
    throw new StateError(`${path}:${reader.number}: ${error.message}`, { cause: error });
  }
}
