import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from './limits.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { batchHeader, recentRefusalAt, refusalOf } from './refusal.ts';
import { registerCodecs } from './register.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';
import { decompressZstd, decompressZstdByFzstd } from './zstd.ts';

const require = createRequire(import.meta.url);

interface DecodedRecord {
  readonly offset: string;
  readonly value: Buffer | null;
}

type DecodeMessages = (decoder: unknown) => Promise<readonly DecodedRecord[]>;
type EncodeBatch = (batch: {
  readonly compression: number;
  readonly records: readonly unknown[];
  readonly firstOffset: bigint | number;
  readonly lastOffsetDelta: number;
}) => Promise<{ readonly buffer: Buffer }>;

/** xerial's framing, as Java's producer writes it: blocks of 32 KiB after a header of 16 bytes. */
function xerial(bytes: Buffer, blockBytes = 32 * 1024): Buffer {
  const parts: Buffer[] = [
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
  ];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = compressSync(bytes.subarray(at, at + blockBytes));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** A zstd frame with a window of 1 KiB and these blocks: `[type, size, content]`. */
function zstdFrame(...blocks: readonly (readonly [number, number, Buffer])[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00])];
  for (const [i, [type, size, content]] of blocks.entries()) {
    const head = Buffer.alloc(3);
    head.writeUIntLE((size << 3) | (type << 1) | (i === blocks.length - 1 ? 1 : 0), 0, 3);
    parts.push(head, content);
  }
  return Buffer.concat(parts);
}

/** What `zstd -19` makes of 'leastwise ' repeated 50 times: a single segment with its size, and a checksum. */
const ZSTD_SAMPLE = Buffer.from('KLUv/WT0AI0AAFBsZWFzdHdpc2UgAQDnVQsS34o0Gg==', 'base64');
const ZEROS = Buffer.alloc(MAX_BATCH_BYTES + 1);

describe('snappy', () => {
  it('reads raw blocks and xerial framing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5000 }),
        fc.integer({ min: 1, max: 2000 }),
        (content, blockBytes) => {
          const bytes = Buffer.from(content);
          expect(decompressSnappy(compressSnappy(bytes))).toEqual(bytes);
          expect(decompressSnappy(xerial(bytes, blockBytes))).toEqual(bytes);
        },
      ),
    );
  });

  it('refuses bombs by the size that they declare, before anything is allocated', () => {
    expect(() => decompressSnappy(compressSync(ZEROS))).toThrow(/more than/);
    expect(() => decompressSnappy(xerial(ZEROS))).toThrow(/more than/);
    expect(() => decompressSnappy(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow(/more than/);
  });

  it('refuses framing that is cut short', () => {
    const whole = xerial(Buffer.from('hello, hello, hello'));
    for (const cut of [17, 20, whole.length - 1]) {
      expect(() => decompressSnappy(whole.subarray(0, cut))).toThrow();
    }
    expect(() => decompressSnappy(Buffer.alloc(0))).toThrow();
  });
});

describe('lz4', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (content) => {
        const bytes = Buffer.from(content);
        expect(decompressLz4(compressLz4(bytes))).toEqual(bytes);
      }),
    );
  });

  it('refuses bombs without decompressing them', () => {
    expect(() => decompressLz4(compressLz4(ZEROS))).toThrow(/more than/);
  });

  it('takes small batches in frames of the largest block size', () => {
    const bytes = Buffer.alloc(MAX_BATCH_BYTES, 'a log line ');
    expect(decompressLz4(compressLz4(bytes)).length).toBe(MAX_BATCH_BYTES);
  });

  it('refuses what is cut or no frame', () => {
    const whole = compressLz4(Buffer.from('hello, hello, hello'));
    for (const cut of [0, 4, 8, whole.length - 6]) {
      expect(() => decompressLz4(whole.subarray(0, cut))).toThrow();
    }
    expect(() => decompressLz4(Buffer.alloc(100))).toThrow();
  });
});

describe.each([
  ['zstd', decompressZstd],
  ['zstd by fzstd', decompressZstdByFzstd],
])('%s', (_name, decompress) => {
  it('reads frames with and without a declared size, and several of them', () => {
    const text = Buffer.from('leastwise '.repeat(50));
    expect(decompress(ZSTD_SAMPLE)).toEqual(text);
    expect(decompress(Buffer.concat([ZSTD_SAMPLE, ZSTD_SAMPLE]))).toEqual(Buffer.concat([text, text]));
    const raw = zstdFrame([0, 5, Buffer.from('hello')], [1, 3, Buffer.from('!')]);
    expect(decompress(raw).toString()).toBe('hello!!!');
  });

  it('refuses bombs', () => {
    const block = [1, 128 * 1024, Buffer.from([0])] as const;
    const bomb = zstdFrame(...Array.from({ length: 600 }, () => block));
    expect(bomb.length).toBeLessThan(3000);
    expect(() => decompress(bomb)).toThrow();
  });

  it('refuses what is cut or no frame', () => {
    for (const cut of [3, 7, ZSTD_SAMPLE.length - 8]) {
      expect(() => decompress(ZSTD_SAMPLE.subarray(0, cut))).toThrow();
    }
    expect(() => decompress(Buffer.alloc(100))).toThrow();
  });
});

describe('registerCodecs', () => {
  registerCodecs();
  const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: EncodeBatch };
  const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown;
  const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
  const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as DecodeMessages;
  const Long = require('kafkajs/src/utils/long') as { fromValue(value: number): bigint };

  async function batch(compression: number, firstOffset: number, values: readonly string[]): Promise<Buffer> {
    const records = values.map((value, offsetDelta) =>
      Record({ key: null, value, offsetDelta, timestampDelta: 0 }),
    );
    const encoded = await RecordBatch({
      compression,
      records,
      firstOffset: Long.fromValue(firstOffset),
      lastOffsetDelta: values.length - 1,
    });
    return encoded.buffer;
  }

  function decode(...batches: readonly Buffer[]): Promise<readonly DecodedRecord[]> {
    const bytes = Buffer.concat(batches);
    const size = Buffer.alloc(4);
    size.writeInt32BE(bytes.length);
    return decodeMessages(new Decoder(Buffer.concat([size, bytes])));
  }

  function withCodec(bytes: Buffer, codec: number): Buffer {
    const changed = Buffer.from(bytes);
    changed.writeInt16BE((changed.readInt16BE(21) & ~7) | codec, 21);
    return changed;
  }

  it('makes all four codecs known to kafkajs', async () => {
    for (const codec of [0, 1, 2, 3]) {
      const records = await decode(await batch(codec, 7, ['a', 'b']));
      expect(records.map(({ offset, value }) => [offset, value?.toString()])).toEqual([
        ['7', 'a'],
        ['8', 'b'],
      ]);
      expect(records.map(({ value }) => refusalOf(value))).toEqual([undefined, undefined]);
    }
    expect(Object.keys(kafkajs.CompressionCodecs)).toContain('4');
  });

  it.each([5, 6, 7])('marks the records of unknown codec %i, and keeps those before them', async (codec) => {
    const good = await batch(1, 0, ['a', 'b']);
    const bad = withCodec(await batch(1, 2, ['c', 'd', 'e']), codec);
    const records = await decode(good, bad);
    expect(records.length).toBe(5);
    expect(records.slice(0, 2).map(({ value }) => value?.toString())).toEqual(['a', 'b']);
    for (const { offset, value } of records.slice(2)) {
      expect(offset).toBe('4');
      expect(refusalOf(value)).toMatch(new RegExp(`codec ${String(codec)}`));
    }
    expect(recentRefusalAt(3)).toMatch(/codec/);
    expect(recentRefusalAt(1_000_000)).toBeUndefined();
  });

  it('marks damaged batches and bombs', async () => {
    const good = await batch(1, 0, ['a', 'b', 'c']);
    const damaged = Buffer.from(good);
    damaged.fill(0, 70);
    const [first] = await decode(damaged);
    expect(refusalOf(first?.value ?? null)).toMatch(/gzip/);

    const body = gzipSync(ZEROS);
    const bomb = Buffer.concat([good.subarray(0, 61), body]);
    bomb.writeInt32BE(49 + body.length, 8);
    const [second] = await decode(bomb);
    expect(refusalOf(second?.value ?? null)).toMatch(/gzip/);
  });

  it('ends the answer of a partition whose batch has more records than kafkajs can hold', async () => {
    const many = await batch(1, 500, ['a']);
    many.writeInt32BE(MAX_BATCH_RECORDS + 1, 57);
    expect(await decode(await batch(1, 499, ['z']), many)).toHaveLength(1);
    expect(recentRefusalAt(500)).toMatch(/batch of/);
  });

  it('knows no header where bytes are not part of an answer', () => {
    expect(batchHeader(Buffer.alloc(10))).toBeUndefined();
    expect(batchHeader(Buffer.alloc(200).subarray(100))).toBeUndefined();
  });
});
