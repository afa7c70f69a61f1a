import type { Identity } from '@leastwise/audit-event';

/** A keyed hash of a text in 64 bits: without the key nobody can choose texts that are counted as one. */
export type KeyedHash = (text: string) => Identity;

/** Up to so many different texts are counted exactly: every threshold of the catalogue is below it. */
export const MAX_EXACT = 32;

const INDEX_BITS = 10;
const REGISTERS = 1 << INDEX_BITS;
/** A hash is kept as a whole number: its upper half, and as much of the lower one as a double holds. */
const LOW_BITS = 21;
/** Bits of it that are left for a rank. */
const RANK_BITS = 32 + LOW_BITS - INDEX_BITS;
const UPPER_RANK_BITS = RANK_BITS - LOW_BITS;

/**
 * How many different texts were seen: the hashes of the first few, in their order, and of more than {@link MAX_EXACT} a
 * HyperLogLog of 1024 bytes. Only the functions of this module may look into it.
 */
export interface Sketch {
  hashes: readonly number[];
  registers: Uint8Array | undefined;
}

/** The relative standard error of {@link distinctIn} beyond {@link MAX_EXACT}: some 3 %. */
export const SKETCH_ERROR = 1.04 / Math.sqrt(REGISTERS);

/** A sketch of nothing. */
export function newSketch(): Sketch {
  return { hashes: [], registers: undefined };
}

/** Adds a text to a sketch, which changes nothing where it was added before. */
export function addToSketch(into: Sketch, { hi, lo }: Identity): void {
  addHash(into, hi * 2 ** LOW_BITS + (lo >>> (32 - LOW_BITS)));
}

function addHash(into: Sketch, hash: number): void {
  if (into.registers !== undefined) {
    addToRegisters(into.registers, hash);
    return;
  }
  if (into.hashes.includes(hash)) return;
  if (into.hashes.length < MAX_EXACT) {
    into.hashes = [...into.hashes, hash].sort((a, b) => a - b);
    return;
  }
  const registers = registersOf(into);
  addToRegisters(registers, hash);
  into.registers = registers;
  into.hashes = [];
}

/** The registers of a sketch, made of its hashes where it has none. */
function registersOf({ hashes, registers }: Sketch): Uint8Array {
  if (registers !== undefined) return registers;
  const made = new Uint8Array(REGISTERS);
  for (const hash of hashes) addToRegisters(made, hash);
  return made;
}

function addToRegisters(registers: Uint8Array, hash: number): void {
  const index = Math.floor(hash / 2 ** RANK_BITS);
  const rest = hash - index * 2 ** RANK_BITS;
  const rank = leadingZeros(Math.floor(rest / 2 ** LOW_BITS), rest % 2 ** LOW_BITS) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

/** Of the bits after those of the index, in two parts. */
function leadingZeros(upper: number, lower: number): number {
  if (upper !== 0) return Math.clz32(upper) - (32 - UPPER_RANK_BITS);
  return UPPER_RANK_BITS + Math.clz32(lower) - (32 - LOW_BITS);
}

/** Adds all texts of a sketch to another one, so that no order and no repetition makes a difference. */
export function mergeSketch(into: Sketch, from: Sketch): void {
  for (const hash of from.hashes) addHash(into, hash);
  if (from.registers === undefined) return;
  const registers = registersOf(into);
  for (const [index, rank] of from.registers.entries()) {
    if (rank > (registers[index] ?? 0)) registers[index] = rank;
  }
  into.registers = registers;
  into.hashes = [];
}

/**
 * How many different texts were added: exactly up to {@link MAX_EXACT}, about so many beyond, and never fewer than
 * that. So nobody who finds texts that share a register gets below a threshold.
 * @see Otmar Ertl, New cardinality estimation algorithms for HyperLogLog sketches, arXiv:1702.01284, algorithm 6
 */
export function distinctIn({ hashes, registers }: Sketch): number {
  return registers === undefined ? hashes.length : Math.max(estimateOf(registers), MAX_EXACT + 1);
}

function estimateOf(registers: Uint8Array): number {
  const counts = new Array<number>(RANK_BITS + 2).fill(0);
  for (const rank of registers) counts[rank] = (counts[rank] ?? 0) + 1;
  let z = REGISTERS * tau(1 - (counts[RANK_BITS + 1] ?? 0) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank -= 1) z = (z + (counts[rank] ?? 0)) / 2;
  z += REGISTERS * sigma((counts[0] ?? 0) / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

/** x + Σ x^(2^k) 2^(k − 1): what empty registers stand for. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let factor = 1;
  let sum = x;
  for (let last = -1; sum !== last; factor *= 2) {
    last = sum;
    power *= power;
    sum += power * factor;
  }
  return sum;
}

/** What full registers stand for. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let factor = 1;
  let sum = 1 - x;
  for (let last = -1; sum !== last;) {
    last = sum;
    root = Math.sqrt(root);
    factor /= 2;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}
