import { isUtf8 } from 'node:buffer';

import { asBuffer } from './bytes.ts';

/** A JSON object of which nothing is known. Read only by names that `Object.prototype` does not have, or by `Object.hasOwn`. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** True for JSON objects, not for arrays and null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text as it was parsed, and whether its bytes were UTF-8 throughout. */
export interface Parsed {
  readonly value: unknown;
  readonly wellFormed: boolean;
}

/** `undefined` where the bytes are not JSON. The parser's message is dropped: it quotes the text. */
export function parseJson(bytes: Uint8Array): Parsed | undefined {
  try {
    return { value: JSON.parse(asBuffer(bytes).toString('utf8')) as unknown, wellFormed: isUtf8(bytes) };
  } catch {
    return undefined;
  }
}
