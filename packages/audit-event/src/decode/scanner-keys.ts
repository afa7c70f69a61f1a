import type { ObjectRef } from '../types.ts';

const TOP_LEVEL = [
  'kind',
  'apiVersion',
  'auditID',
  'stage',
  'requestURI',
  'verb',
  'user',
  'impersonatedUser',
  'userAgent',
  'objectRef',
  'responseStatus',
  'requestReceivedTimestamp',
  'annotations',
  'authenticationMetadata',
] as const;

type TopLevel = (typeof TOP_LEVEL)[number];
/** What the scanner reads: an event's own fields, those of its `objectRef`, and the operator's cluster field. */
export type Field = TopLevel | `ref.${keyof ObjectRef | 'apiVersion'}` | 'cluster';

/** A key that is looked for. */
export interface Key {
  readonly field: Field;
  /** Its place in the set of keys that an object has shown. */
  readonly bit: number;
  readonly name: Uint8Array;
}

/** Keys by their length in bytes. */
export type Keys = readonly (readonly Key[])[];

/** The keys of an `objectRef`. */
export const REF_KEYS = keysByLength([
  ['ref.apiGroup', 'apiGroup'],
  ['ref.apiVersion', 'apiVersion'],
  ['ref.resource', 'resource'],
  ['ref.subresource', 'subresource'],
  ['ref.namespace', 'namespace'],
  ['ref.name', 'name'],
]);

const REQUIRED: readonly TopLevel[] = ['kind', 'apiVersion', 'stage', 'requestReceivedTimestamp'];
/** The places of the keys without which a record is left to the plain decoder. */
export const REQUIRED_BITS = REQUIRED.reduce((bits, field) => bits | (1 << TOP_LEVEL.indexOf(field)), 0);

/** The keys of an event, and the cluster field. */
export function topLevelKeys(clusterField: string | undefined): Keys {
  const names = TOP_LEVEL.map((field): [Field, string] => [field, field]);
  return keysByLength(clusterField === undefined ? names : [...names, ['cluster', clusterField]]);
}

/** True for the names of an event's own fields. */
export function isTopLevelField(name: string | undefined): boolean {
  return TOP_LEVEL.some((field) => field === name);
}

function keysByLength(names: readonly (readonly [Field, string])[]): Keys {
  const keys: Key[][] = [];
  for (const [place, [field, text]] of names.entries()) {
    const name = Buffer.from(text, 'utf8');
    while (keys.length <= name.length) keys.push([]);
    keys[name.length]?.push({ field, bit: 1 << place, name });
  }
  return keys;
}

/** The key whose name the bytes between two quotes are, escapes aside. */
export function keyAt(bytes: Uint8Array, start: number, end: number, keys: Keys): Key | undefined {
  const candidates = keys[end - start];
  if (candidates === undefined) return undefined;
  for (const key of candidates) if (equals(bytes, start, key.name)) return key;
  return undefined;
}

function equals(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
  return true;
}
