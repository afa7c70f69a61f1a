// The shapes that were seen, by their keys. A key is a run of pieces: the number of a field, the length of its JSON text,
// and this text, so that no two lists of pieces have the same key. Keys are compared in full: a crafted collision of
// hashes costs time, and no more than a bounded number of comparisons.

import { KEY, MAX_KEY, RESULT, Result, TABLE, UNDECIDED, undecided } from './layout';

/** In place of an id: the plain scanner must decide. */
export const NO_ID: i32 = -1;
/** A new id is taken from this, so that it can be told from those given before. */
export const NEW: i32 = -2;

/** How many places are looked at for a key. In a table that is half full, hardly any key needs as many. */
const MAX_PROBES: u64 = 64;
/** By how many pages of 64 KiB the memory grows. */
const STEP: i32 = 16;

const PRIME_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME_3: u64 = 0x1656_67b1_9e37_79f9;

/** What an entry of the arena has before its key: the hash, the key's length, and the id. */
const HEADER: usize = 16;

let seed: u64 = 0;
let capacity: u32 = 0;
let mask: u64 = 0;
let arena: usize = 0;
/** Where the arena may reach at most. */
let limit: usize = 0;

let count: u32 = 0;
let next: usize = 0;
let keyEnd: usize = KEY;

/** Takes the memory of an empty dictionary. False where there is none. */
export function setUpDictionary(shapes: u32, arenaBytes: u32, hashSeed: u64): bool {
  let slots: u32 = 2;
  while (slots < shapes * 2) slots *= 2;
  seed = hashSeed;
  capacity = shapes;
  mask = slots - 1;
  arena = TABLE + <usize>slots * 4;
  limit = arena + arenaBytes;
  next = arena;
  return reach(arena);
}

/** Begins a key. */
export function beginKey(): void {
  keyEnd = KEY;
}

/** Adds a piece to the key. Returns its end, and leaves over-long keys undecided. */
export function addPiece(field: u32, start: usize, end: usize): usize {
  if (end == UNDECIDED) return UNDECIDED;
  const length = end - start;
  const to = keyEnd + 4;
  if (to + length > KEY + MAX_KEY) return undecided(start);
  store<u32>(keyEnd, (field << 24) | (<u32>length));
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(start + i));
  keyEnd = to + length;
  return end;
}

/** Adds a number to a key that was just begun. */
export function addNumber(field: u32, value: i32): void {
  store<u32>(keyEnd, (field << 24) | 4);
  store<i32>(keyEnd, value, 4);
  keyEnd += 8;
}

/**
 * The id of the shape that has the key: counted from 0 on, afresh after every time that the dictionary was emptied.
 * Of a shape that was not known, -2 less its id.
 *
 * @param isAlone - false for a key that names another one's id: where there is no room for it, all is forgotten, and it
 *   is not known either
 */
export function idOfKey(isAlone: bool = true): i32 {
  const length = keyEnd - KEY;
  v128.store(keyEnd, i64x2.splat(0));
  v128.store(keyEnd, i64x2.splat(0), 16);
  const hash = hashOf(length);
  for (let probe: u64 = 0; probe < MAX_PROBES; probe++) {
    const slot = slotOf(hash + probe);
    const entry = <usize>load<u32>(slot);
    if (entry == 0) return add(slot, hash, length, isAlone);
    if (load<u64>(entry) == hash && load<u32>(entry, 8) == <u32>length && isKeyAt(entry + HEADER, length)) {
      return load<i32>(entry, 12);
    }
  }
  return NO_ID;
}

function slotOf(hash: u64): usize {
  return TABLE + ((<usize>(hash & mask)) << 2);
}

function add(slot: usize, hash: u64, length: usize, isAlone: bool): i32 {
  let to = slot;
  const size = HEADER + ((length + 15) & ~15);
  if (count >= capacity || !hasRoom(size)) {
    empty();
    to = slotOf(hash);
    if (!isAlone || !hasRoom(size)) return NO_ID;
  }
  const entry = next;
  next += size;
  store<u64>(entry, hash);
  store<u32>(entry, <u32>length, 8);
  store<u32>(entry, count, 12);
  for (let i: usize = 0; i < length; i += 16) v128.store(entry + HEADER + i, v128.load(KEY + i));
  store<u32>(to, <u32>entry);
  count++;
  return NEW - <i32>(count - 1);
}

/** Forgets every shape; the memory is kept. */
function empty(): void {
  memory.fill(TABLE, 0, arena - TABLE);
  next = arena;
  count = 0;
  store<u32>(RESULT + Result.GENERATION, load<u32>(RESULT + Result.GENERATION) + 1);
}

function hasRoom(size: usize): bool {
  return next + size <= limit && reach(next + size);
}

/** Grows the memory up to an address. */
function reach(end: usize): bool {
  const pages = <i32>((end + 0xffff) >> 16) - memory.size();
  return pages <= 0 || memory.grow(max(pages, STEP)) >= 0;
}

/** The key is padded with zeros. */
function isKeyAt(entry: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(entry + i), v128.load(KEY + i)))) return false;
  }
  return true;
}

/** Of the key with its padding, 32 bytes at a time in four lanes. */
function hashOf(length: usize): u64 {
  let a = seed ^ PRIME_1;
  let b = seed + PRIME_2;
  let c = seed ^ PRIME_3;
  let d = seed - PRIME_1;
  for (let at = KEY; at < KEY + length; at += 32) {
    a = rotl((a ^ load<u64>(at)) * PRIME_1, 31);
    b = rotl((b ^ load<u64>(at, 8)) * PRIME_2, 31);
    c = rotl((c ^ load<u64>(at, 16)) * PRIME_1, 29);
    d = rotl((d ^ load<u64>(at, 24)) * PRIME_2, 29);
  }
  let hash = (<u64>length) ^ a;
  hash = rotl((hash ^ b) * PRIME_3, 27);
  hash = rotl((hash ^ c) * PRIME_1, 27);
  hash = rotl((hash ^ d) * PRIME_2, 27);
  hash = (hash ^ (hash >> 29)) * PRIME_3;
  return hash ^ (hash >> 32);
}
