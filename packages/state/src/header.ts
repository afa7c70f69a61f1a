import { type Content, isIdentityKey } from './content.ts';
import { Fields, Malformed } from './fields.ts';
import { NOTHING_MISSED } from './content.ts';
import { SCHEMA_VERSION, type Tally } from './types.ts';

const SCHEMA = 'leastwise-state';
/** Those that can be read. */
const VERSIONS: readonly number[] = [1, 2, 3, 4, SCHEMA_VERSION];

/** Which fingerprints belong to a state: the digest of their file, and how many each set in it has. */
export interface FingerprintsInfo {
  readonly sha256: string;
  readonly counted: number;
  readonly resolved: number;
  readonly onlyReceived: number;
}

/** The first line of a state file. */
export interface Header extends Pick<Content, 'identityKey' | 'positions' | 'tally'> {
  readonly fingerprints: FingerprintsInfo;
}

/** A header that was read, and the version of what follows it. */
export interface FoundHeader extends Header {
  readonly version: number;
}

/** The inverse of {@link readHeader}. */
export function encodeHeader({ identityKey, positions, tally, fingerprints }: Header): string {
  const sorted = [...positions].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    schema: SCHEMA,
    version: SCHEMA_VERSION,
    identityKey,
    positions: sorted,
    tally,
    fingerprints,
  });
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Malformed('not a state of Leastwise');
  return value as Readonly<Record<string, unknown>>;
}

function readFingerprintsInfo(value: unknown): FingerprintsInfo {
  const info = asObject(value);
  const sizes = [info['counted'], info['resolved'], info['onlyReceived']];
  const fields = new Fields([info['sha256'], ...sizes]);
  const sha256 = fields.string();
  // It becomes a part of a file name.
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Malformed('no digest of the fingerprints');
  return {
    sha256,
    counted: fields.integer(0),
    resolved: fields.integer(0),
    onlyReceived: fields.integer(0),
  };
}

function readPositions(value: unknown): Map<string, string> {
  const positions = new Map<string, string>();
  const pairs = new Fields(value);
  while (pairs.more()) {
    const pair = pairs.list();
    positions.set(pair.string(), pair.string());
    pair.end();
  }
  return positions;
}

function readTally(version: unknown, value: unknown): Tally {
  // The first version had none.
  if (version === 1) return NOTHING_MISSED;
  const tally = asObject(value);
  const fields = new Fields([tally['late'], tally['lost']]);
  return { late: fields.integer(0), lost: fields.integer(0) };
}

/** @throws Malformed also where it is a header of another version. */
export function readHeader(line: string): FoundHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new Malformed('not a state of Leastwise');
  }
  const header = asObject(parsed);
  if (header['schema'] !== SCHEMA) throw new Malformed('not a state of Leastwise');
  const version = header['version'];
  if (typeof version !== 'number' || !VERSIONS.includes(version)) {
    const found = JSON.stringify(version ?? null).slice(0, 20);
    throw new Malformed(`a state of version ${found}; this program reads versions 1 to ${SCHEMA_VERSION}`);
  }
  const identityKey = header['identityKey'];
  if (typeof identityKey !== 'string' || !isIdentityKey(identityKey)) {
    throw new Malformed('no key of request identities');
  }
  const positions = readPositions(header['positions']);
  return {
    version,
    identityKey,
    positions,
    tally: readTally(version, header['tally']),
    fingerprints: readFingerprintsInfo(header['fingerprints']),
  };
}
