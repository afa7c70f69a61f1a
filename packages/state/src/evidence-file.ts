import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import type { ActivityState } from '@leastwise/activity';
import type { ClusterState } from '@leastwise/rbac';

import { NOTHING_MISSED } from './content.ts';
import { identityInFile } from './day-codec.ts';
import { Fields, Malformed } from './fields.ts';
import { LineCutter, SealedReader } from './sealed-lines.ts';
import { clusterLines, ClusterReader } from './state-lines.ts';
import { type Deltas, SCHEMA_VERSION, StateError, type Tally } from './types.ts';

/*
 * The evidence of a state as a file to keep or to hand on: a header, the lines of its clusters, and a last line with
 * the digest. It says what is known, and nothing of how it came to be known: no positions, no identities and no key
 * of them. So the same evidence is the same bytes, whatever store it is from.
 */

const SCHEMA = 'leastwise-evidence';
/** The first version of the lines that such files were written in. */
const FIRST_VERSION = 2;
const PIECE_BYTES = 1 << 18;
/** Lines of one part. A cell takes 40 bytes at least, so that a part is one write of any store. */
const PART_BYTES = 1 << 17;

/** What a state knows. */
export interface Evidence {
  readonly clusters: readonly ClusterState[];
  readonly activity: readonly ActivityState[];
  readonly tally: Tally;
}

/** The lines of a file of evidence, but for the last one. */
export function* evidenceLines({ clusters, activity, tally }: Evidence): Generator<string, void> {
  const { late, lost } = tally;
  yield JSON.stringify({ schema: SCHEMA, version: SCHEMA_VERSION, tally: { late, lost } });
  yield* clusterLines(
    new Map(clusters.map((each) => [each.cluster, each])),
    new Map(activity.map((each) => [each.cluster, each])),
    (_, trace) => identityInFile(trace),
  );
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Malformed('not evidence of Leastwise');
  return value as Readonly<Record<string, unknown>>;
}

function readHeader(line: string): Tally {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new Malformed('not evidence of Leastwise');
  }
  const header = asObject(parsed);
  if (header['schema'] !== SCHEMA) throw new Malformed('not evidence of Leastwise');
  const version = header['version'];
  if (typeof version !== 'number' || !(version >= FIRST_VERSION && version <= SCHEMA_VERSION)) {
    const found = JSON.stringify(version ?? null).slice(0, 20);
    throw new Malformed(`evidence of version ${found}; this program reads versions up to ${SCHEMA_VERSION}`);
  }
  const tally = asObject(header['tally']);
  const fields = new Fields([tally['late'], tally['lost']]);
  return { late: fields.integer(0), lost: fields.integer(0) };
}

/** Some lines of a file of evidence, as what a batch adds. */
export interface EvidencePart {
  /** The last one of them, from 1. */
  readonly line: number;
  readonly deltas: Deltas;
}

/** Puts the lines of a file together in parts; all parts merged are what the file holds. */
class EvidenceReader {
  readonly #sealed = new SealedReader();
  readonly #after: number;
  #clusters = new ClusterReader();
  #tally = NOTHING_MISSED;
  #bytes = 0;
  /** Where the next line stands. */
  #cluster: string | undefined;
  #subject: readonly string[] | undefined;
  #isBegun = false;

  /** @param after - lines up to this one are in no part. */
  constructor(after: number) {
    this.#after = after;
  }

  get number(): number {
    return this.#sealed.number;
  }

  get isFull(): boolean {
    return this.#bytes >= PART_BYTES;
  }

  line(bytes: Buffer): void {
    const line = this.#sealed.line(bytes);
    if (line === undefined) return;
    const isSkipped = this.number <= this.#after;
    if (this.number === 1) {
      const tally = readHeader(line);
      if (!isSkipped) this.#tally = tally;
      return;
    }
    if (!isSkipped) this.#take(line);
    this.#follow(line);
  }

  #take(line: string): void {
    this.#begin();
    this.#bytes += line.length;
    const fields = Fields.parse(line);
    this.#clusters.line(fields.string(), fields);
  }

  /** A part begins in the middle of a cluster or a subject: what was said of those themselves is in an earlier one. */
  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    if (this.#cluster === undefined) return;
    this.#clusters.line('cluster', new Fields([this.#cluster, 0, 0, 0, null]));
    if (this.#subject) this.#clusters.line('subject', new Fields([...this.#subject, null, null]));
  }

  #follow(line: string): void {
    if (line.startsWith('["cluster",')) {
      const fields = Fields.parse(line);
      fields.string();
      this.#cluster = fields.string();
      this.#subject = undefined;
    } else if (line.startsWith('["subject",')) {
      const fields = Fields.parse(line);
      fields.string();
      this.#subject = [fields.string(), fields.string(), fields.string()];
    }
  }

  /** The part that the lines since the last one make. */
  part(line: number): EvidencePart {
    this.#clusters.end();
    const { clusters, activity } = this.#clusters;
    const deltas = {
      ...{ clusters, activity, tally: this.#tally },
      ...{ counted: [], resolved: [], received: [], watermarks: new Map<string, number>() },
    };
    this.#clusters = new ClusterReader();
    this.#tally = NOTHING_MISSED;
    this.#bytes = 0;
    this.#isBegun = false;
    return { line, deltas };
  }

  finish(hasRest: boolean): string {
    const digest = this.#sealed.finish(hasRest);
    // The first line would have been the last one.
    if (this.number === 1) throw new Malformed('not evidence of Leastwise');
    return digest;
  }
}

function chunksOf(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (!path.endsWith('.gz')) return file;
  // Whoever reads what comes out gets the error of either.
  return pipeline(file, createGunzip({ chunkSize: PIECE_BYTES }), () => undefined);
}

function explained(path: string, line: number, error: unknown): unknown {
  if (error instanceof Malformed) {
    return new StateError(`${path}:${line}: ${error.message}`, { cause: error });
  }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (/^Z_/.test(error.code)) {
    return new StateError(`${path}:${line + 1}: not gzip, damaged or cut off`, { cause: error });
  }
  return new StateError(`${path}: cannot be read: ${error.message}`, { cause: error });
}

/** What a whole file of evidence is. */
export interface EvidenceSeal {
  /** Of all lines but the last. */
  readonly digest: string;
  /** How many those are. */
  readonly lines: number;
}

/** How a file of evidence is read. */
export interface PartsOptions {
  /** Lines up to this one are in no part. */
  readonly after: number;
  /** The digest that the file must have; the last part comes only if it has. */
  readonly digest?: string;
}

/**
 * The parts of a file of evidence; one whose name ends in `.gz` is unpacked. All of them but the last come before
 * the digest was seen, so {@link checkEvidenceFile} comes first.
 * @throws StateError naming file, line and reason where it is damaged or of a newer version.
 */
export async function* evidenceParts(
  path: string,
  { after, digest }: PartsOptions,
): AsyncGenerator<EvidencePart, EvidenceSeal> {
  const reader = new EvidenceReader(after);
  const cutter = new LineCutter();
  try {
    for await (const chunk of chunksOf(path)) {
      for (const line of cutter.push(chunk)) {
        if (reader.isFull) yield reader.part(reader.number);
        reader.line(line);
      }
    }
    const found = reader.finish(cutter.hasRest);
    if (digest !== undefined && digest !== found) throw new Malformed('the file was changed meanwhile');
    const lines = reader.number - 1;
    if (lines > after) yield reader.part(lines);
    return { digest: found, lines };
  } catch (error) {
    throw explained(path, reader.number, error);
  }
}

/**
 * Reads a file of evidence from start to end, and keeps nothing of it.
 * @throws StateError naming file, line and reason where it is damaged or of a newer version.
 */
export async function checkEvidenceFile(path: string): Promise<EvidenceSeal> {
  const parts = evidenceParts(path, { after: 0 });
  for (;;) {
    const next = await parts.next();
    if (next.done === true) return next.value;
  }
}
