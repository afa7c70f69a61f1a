/** The bytes of JSON's grammar, and the newline that ends every text which the scanner walks. */
export const NEWLINE = 0x0a;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

/** How much of a record that is too large to be kept goes to the dead letters. */
export const DEAD_LETTER_HEAD_BYTES = 64 * 1024;

/** The same memory with Buffer's methods; nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The index after a byte order mark at `start`, or `start` where there is none. */
export function skipByteOrderMark(bytes: Uint8Array, start: number): number {
  return bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? start + 3 : start;
}

/**
 * The index of the first byte that is not blank, at most `end`. Blank is JSON's whitespace, and
 * what crashed or truncated files are padded with (NUL), and a byte order mark (Azure writes one
 * at the start of every block, so that it stands inside joined files).
 */
export function skipBlank(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at];
    if (byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE || byte === 0) at++;
    else if (byte === 0xef && at + 3 <= end && skipByteOrderMark(bytes, at) > at) at += 3;
    else break;
  }
  return at;
}

/** Bytes that are appended to and dropped as a whole, in one buffer that doubles. */
export class GrowingBytes {
  /** Valid up to `length`, until the next call. */
  bytes = Buffer.alloc(0);
  length = 0;

  /** Appends a range and a newline after it, which is not counted in `length`. */
  append(from: Uint8Array, start: number, end: number): void {
    const needed = this.length + (end - start) + 1;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2, 4096));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(from.subarray(start, end), this.length);
    this.length += end - start;
    this.bytes[this.length] = NEWLINE;
  }

  /** Forgets the first `count` bytes. */
  dropFront(count: number): void {
    this.bytes.copyWithin(0, count, this.length + 1);
    this.length -= count;
  }

  /** Forgets everything, and returns the memory of an unusually large record. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > 1024 * 1024) this.bytes = Buffer.alloc(0);
  }
}
