import { createRequire } from 'node:module';

/** What of kafkajs's decoder is touched here. */
export interface KafkaDecoder {
  readonly buffer: Uint8Array;
  offset: number;
  readVarLong(): unknown;
}

type ReadVarLong = (this: KafkaDecoder) => unknown;

const MORE = 0x80;
const BITS = 0x7f;
const LAST_SHIFT = 21;

const patched = new WeakSet<object>();

/**
 * Has kafkajs read small numbers of 64 bits without calculating in 64 bits: the time of each record, as its distance from
 * the batch's, is one, and costs it a dozen objects. Larger ones are left to kafkajs.
 *
 * Does nothing where kafkajs is not built as expected.
 */
export function quickenDecoder(): void {
  const decoder = load('kafkajs/src/protocol/decoder', 'prototype');
  const fromInt = load('kafkajs/src/utils/long', 'fromInt');
  const original: unknown = decoder && Reflect.get(decoder, 'readVarLong');
  if (!decoder || typeof fromInt !== 'function' || typeof original !== 'function') return;
  if (patched.has(decoder)) return;
  patched.add(decoder);
  const readLarge = original as ReadVarLong;
  const toLong = fromInt as (value: number) => unknown;
  Reflect.set(decoder, 'readVarLong', function (this: KafkaDecoder) {
    const start = this.offset;
    let bits = 0;
    for (let shift = 0; shift <= LAST_SHIFT; shift += 7) {
      const byte = this.buffer[this.offset] ?? 0;
      this.offset += 1;
      bits |= (byte & BITS) << shift;
      // Zigzag: the sign is the lowest bit.
      if (byte < MORE) return toLong((bits >>> 1) ^ -(bits & 1));
    }
    this.offset = start;
    return readLarge.call(this);
  });
}

function load(module: string, name: string): object | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)(module);
    const part: unknown = typeof loaded === 'function' ? Reflect.get(loaded, name) : undefined;
    if (typeof part === 'function' && typeof loaded === 'function') return part.bind(loaded) as object;
    return typeof part === 'object' && part !== null ? part : undefined;
  } catch {
    return undefined;
  }
}
