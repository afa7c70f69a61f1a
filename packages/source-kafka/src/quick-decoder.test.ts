import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KafkaDecoder, quickenDecoder } from './quick-decoder.ts';

const Decoder = createRequire(import.meta.url)('kafkajs/src/protocol/decoder') as new (
  bytes: Buffer,
) => KafkaDecoder;
const before: unknown = Reflect.get(Decoder.prototype as object, 'readVarLong');
quickenDecoder();

/** As Kafka writes it: zigzag, seven bits a byte, the lowest ones first. */
function varLong(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return bytes;
  }
}

describe('the quick decoder', () => {
  test('is in place', () => {
    expect(Reflect.get(Decoder.prototype as object, 'readVarLong')).not.toBe(before);
  });

  test('reads what was written, of any size, and stops behind it', () => {
    const small = fc.integer({ min: -300, max: 300 }).map(BigInt);
    const edge = fc
      .tuple(fc.integer({ min: 0, max: 62 }), fc.integer({ min: -2, max: 2 }), fc.boolean())
      .map(([bits, more, isNegative]) => (isNegative ? -1n : 1n) * ((1n << BigInt(bits)) + BigInt(more)));
    const any = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
    fc.assert(
      fc.property(fc.array(fc.oneof(small, edge, any), { maxLength: 8 }), (values) => {
        const decoder = new Decoder(Buffer.from([...values.flatMap(varLong), 0x81]));
        for (const value of values) expect(String(decoder.readVarLong())).toBe(String(value));
        expect(decoder.offset).toBe(decoder.buffer.length - 1);
      }),
      { numRuns: 500 },
    );
  });

  test('reads bytes that end too soon as kafkajs does', () => {
    for (const bytes of [[], [0x81], [0x81, 0x81, 0x81, 0x81], [0xff, 0xff, 0xff, 0xff, 0xff, 0x01]]) {
      const [quick, slow] = [new Decoder(Buffer.from(bytes)), new Decoder(Buffer.from(bytes))];
      const wanted = String(Reflect.apply(before as () => unknown, slow, []));
      expect(String(quick.readVarLong())).toBe(wanted);
      expect(quick.offset).toBe(slow.offset);
    }
  });
});
