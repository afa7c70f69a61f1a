import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { decompress, registerCodecs } from './codecs.ts';
import { MAX_BATCH_BYTES } from './limits.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';
import { decompressZstd, decompressZstdByFzstd } from './zstd.ts';

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

describe('decompress', () => {
  it('takes what is not compressed as it is', async () => {
    const bytes = Buffer.from('plain');
    expect(await decompress(0, bytes)).toBe(bytes);
  });

  it('knows four codecs, as kafkajs does from then on', async () => {
    const bytes = Buffer.from('hello, hello, hello');
    registerCodecs();
    for (const id of [1, 2, 3, 4]) {
      const codec: unknown = Reflect.get(kafkajs.CompressionCodecs, id);
      expect(typeof codec).toBe('function');
    }
    expect(await decompress(1, gzipSync(bytes))).toEqual(bytes);
    expect(await decompress(2, compressSnappy(bytes))).toEqual(bytes);
    expect(await decompress(3, compressLz4(bytes))).toEqual(bytes);
    expect(await decompress(4, ZSTD_SAMPLE)).toEqual(Buffer.from('leastwise '.repeat(50)));
  });

  it.each([5, 6, 7])('says that codec %i is unknown', async (codec) => {
    expect(await decompress(codec, Buffer.from('x'))).toMatch(new RegExp(`codec ${String(codec)}`));
  });

  it('says what is wrong with damaged bytes and bombs', async () => {
    expect(await decompress(1, Buffer.from('no gzip'))).toMatch(/^gzip: /);
    expect(await decompress(1, gzipSync(ZEROS))).toMatch(/^gzip: /);
    expect(await decompress(2, compressSync(ZEROS))).toMatch(/^snappy: .*more than/);
  });
});
