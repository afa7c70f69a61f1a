/**
 * XXH64 with seed 0 over a stream, for the content checksum of zstd frames (RFC 8878 §3.1.1; algorithm:
 * the xxHash specification, "XXH64 Algorithm Description"). Only the low 32 bits are ever needed.
 *
 * 64-bit words are pairs of 32-bit halves, low first: BigInt would be ten times slower than the
 * decompression that this checks.
 */
export interface Xxh64 {
  update(bytes: Uint8Array): void;
  /** The low 32 bits of the digest, unsigned. May be asked at any time; more may follow. */
  low32(): number;
}

const P1: Word = [0x85ebca87, 0x9e3779b1];
const P2: Word = [0x27d4eb4f, 0xc2b2ae3d];
const P3: Word = [0x9e3779f9, 0x165667b1];
const P4: Word = [0xc2b2ae63, 0x85ebca77];
const P5: Word = [0x165667c5, 0x27d4eb2f];

type Word = readonly [low: number, high: number];

const STRIPE_BYTES = 32;

/** @see {@link Xxh64} */
export function createXxh64(): Xxh64 {
  // The four accumulators, low and high halves in turn; `Int32Array` keeps the arithmetic in registers.
  const lanes = Int32Array.from([...add(P1, P2), ...P2, 0, 0, ...subtract([0, 0], P1)]);
  const tail = new Uint8Array(STRIPE_BYTES);
  let tailLength = 0;
  let total = 0;

  return {
    update(bytes) {
      total += bytes.length;
      let at = 0;
      if (tailLength > 0) {
        at = Math.min(STRIPE_BYTES - tailLength, bytes.length);
        tail.set(bytes.subarray(0, at), tailLength);
        tailLength += at;
        if (tailLength < STRIPE_BYTES) return;
        consumeStripes(lanes, tail, 0);
      }
      at = consumeStripes(lanes, bytes, at);
      tail.set(bytes.subarray(at));
      tailLength = bytes.length - at;
    },
    low32: () => digest(lanes, tail.subarray(0, tailLength), total)[0] >>> 0,
  };
}

/** Takes all whole stripes from `at` on, and says where it stopped. */
function consumeStripes(lanes: Int32Array, bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = at;
  for (; offset + STRIPE_BYTES <= bytes.length; offset += STRIPE_BYTES) {
    for (let lane = 0; lane < 8; lane += 2) {
      const low = view.getInt32(offset + lane * 4, true);
      const high = view.getInt32(offset + lane * 4 + 4, true);
      accumulate(lanes, lane, low, high);
    }
  }
  return offset;
}

/** acc = rotateLeft(acc + input * P2, 31) * P1, written out: the hot loop allocates nothing. */
function accumulate(lanes: Int32Array, lane: number, low: number, high: number): void {
  const productLow = Math.imul(low, P2[0]);
  const productHigh = highHalf(low, P2[0]) + Math.imul(low, P2[1]) + Math.imul(high, P2[0]);
  const accLow = lanes[lane] ?? 0;
  const sumLow = (accLow + productLow) | 0;
  const carry = sumLow >>> 0 < accLow >>> 0 ? 1 : 0;
  const sumHigh = ((lanes[lane + 1] ?? 0) + productHigh + carry) | 0;
  const turnedLow = (sumLow << 31) | (sumHigh >>> 1);
  const turnedHigh = (sumHigh << 31) | (sumLow >>> 1);
  lanes[lane] = Math.imul(turnedLow, P1[0]);
  lanes[lane + 1] = highHalf(turnedLow, P1[0]) + Math.imul(turnedLow, P1[1]) + Math.imul(turnedHigh, P1[0]);
}

function digest(lanes: Int32Array, tail: Uint8Array, total: number): Word {
  let hash = total < STRIPE_BYTES ? P5 : mergedLanes(lanes);
  hash = add(hash, [total | 0, Math.floor(total / 0x1_0000_0000)]);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  let at = 0;
  for (; at + 8 <= tail.length; at += 8) {
    const word: Word = [view.getInt32(at, true), view.getInt32(at + 4, true)];
    hash = add(multiply(rotate(xor(hash, round([0, 0], word)), 27), P1), P4);
  }
  if (at + 4 <= tail.length) {
    hash = add(multiply(rotate(xor(hash, multiply([view.getInt32(at, true), 0], P1)), 23), P2), P3);
    at += 4;
  }
  for (; at < tail.length; at += 1) {
    hash = multiply(rotate(xor(hash, multiply([view.getUint8(at), 0], P5)), 11), P1);
  }
  hash = multiply(xor(hash, shiftRight(hash, 33)), P2);
  hash = multiply(xor(hash, shiftRight(hash, 29)), P3);
  return xor(hash, shiftRight(hash, 32));
}

function mergedLanes(lanes: Int32Array): Word {
  const words: Word[] = [];
  for (let i = 0; i < 8; i += 2) words.push([lanes[i] ?? 0, lanes[i + 1] ?? 0]);
  const turns = [1, 7, 12, 18];
  const sum = words.reduce<Word>((acc, word, i) => add(acc, rotate(word, turns[i] ?? 0)), [0, 0]);
  return words.reduce((acc, word) => add(multiply(xor(acc, round([0, 0], word)), P1), P4), sum);
}

function round(acc: Word, input: Word): Word {
  return multiply(rotate(add(acc, multiply(input, P2)), 31), P1);
}

/** The high 32 bits of the 64-bit product of two unsigned 32-bit numbers; doubles hold each part exactly. */
function highHalf(a: number, b: number): number {
  const unsigned = b >>> 0;
  const lower = (a & 0xffff) * unsigned;
  const upper = (a >>> 16) * unsigned;
  return Math.floor((upper + Math.floor(lower / 0x1_0000)) / 0x1_0000) | 0;
}

function add(a: Word, b: Word): Word {
  const low = (a[0] + b[0]) | 0;
  return [low, (a[1] + b[1] + (low >>> 0 < a[0] >>> 0 ? 1 : 0)) | 0];
}

function subtract(a: Word, b: Word): Word {
  return add(a, add([~b[0], ~b[1]], [1, 0]));
}

function multiply(a: Word, b: Word): Word {
  const high = highHalf(a[0], b[0]) + Math.imul(a[0], b[1]) + Math.imul(a[1], b[0]);
  return [Math.imul(a[0], b[0]), high | 0];
}

function xor(a: Word, b: Word): Word {
  return [a[0] ^ b[0], a[1] ^ b[1]];
}

/** Rotates left by 1 to 31 bits. */
function rotate(a: Word, bits: number): Word {
  return [(a[0] << bits) | (a[1] >>> (32 - bits)), (a[1] << bits) | (a[0] >>> (32 - bits))];
}

function shiftRight(a: Word, bits: number): Word {
  if (bits >= 32) return [bits === 32 ? a[1] : a[1] >>> (bits - 32), 0];
  return [(a[0] >>> bits) | (a[1] << (32 - bits)), a[1] >>> bits];
}
