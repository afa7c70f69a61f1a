import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressed } from './decompress.ts';
import { DamageError } from './raw-bytes.ts';
import { collect, content, fixture, inPieces } from './testing/fixtures.ts';
import { skippableFrame, zstdFrame } from './testing/zstd-writer.ts';
import { fzstdDecoder, nativeZstdDecoder, unzstd } from './zstd.ts';

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), {
  minLength: 1,
  maxLength: 4,
});

async function unpack(bytes: Uint8Array, pieceSizes: readonly number[] = [1 << 20]): Promise<Buffer> {
  const { bytes: out, error } = await collect(decompressed(inPieces(bytes, pieceSizes)));
  expect(error).toBeUndefined();
  return out;
}

describe('decompressed', () => {
  it('gives plain, gzip and zstd bytes unchanged for any splitting', async () => {
    const part = fc.uint8Array({ maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), sizes, async (parts, split) => {
        const whole = Buffer.concat(parts);
        const plain = Buffer.concat([Buffer.from('{'), whole]);
        expect(await unpack(plain, split)).toEqual(plain);
        const gzip = parts.length === 0 ? gzipSync('') : Buffer.concat(parts.map((bytes) => gzipSync(bytes)));
        expect(await unpack(gzip, split)).toEqual(whole);
        const zstd = parts.map((bytes) => Buffer.concat([skippableFrame(bytes), zstdFrame([bytes])]));
        expect(await unpack(Buffer.concat([zstdFrame([]), ...zstd]), split)).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  it('gives no bytes for an empty stream', async () => {
    expect(await unpack(Buffer.alloc(0))).toHaveLength(0);
  });

  it.each([1, 2, 3])('gives streams of %i bytes, too short for a magic number', async (length) => {
    expect((await unpack(Buffer.from('{}\n').subarray(0, length), [1])).toString()).toBe(
      '{}\n'.slice(0, length),
    );
  });
});

describe('gunzip', () => {
  it('reads members that follow zero padding, which zlib would drop without a word', async () => {
    const padded = Buffer.concat([gzipSync('one '), Buffer.alloc(700), gzipSync('two'), Buffer.alloc(512)]);
    for (const size of [1, 7, 100, 1 << 20])
      expect((await unpack(padded, [size])).toString()).toBe('one two');
  });

  it('delivers every byte before a cut, then tells it', async () => {
    const text = content().subarray(0, 60_000);
    const packed = gzipSync(text);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: packed.length - 1 }), sizes, async (length, split) => {
        const { bytes, error } = await collect(decompressed(inPieces(packed.subarray(0, length), split)));
        expect(error).toBeInstanceOf(DamageError);
        expect(text.subarray(0, bytes.length).equals(bytes)).toBe(true);
        // All that deflate could know: what one more byte of input would not have changed.
        const next = await collect(decompressed(inPieces(packed.subarray(0, length - 1), [1])));
        expect(bytes.length).toBeGreaterThanOrEqual(next.bytes.length);
      }),
      { numRuns: 30 },
    );
  });

  it('delivers what is before the damage where the stream can be read again', async () => {
    const packed = gzipSync(content(), { level: 1 });
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
    const half = await collect(decompressed(inPieces(packed.subarray(0, packed.length >> 1), [1000])));
    const { bytes, error } = await collect(
      decompressed(inPieces(damaged, [999]), () => inPieces(damaged, [5000, 17])),
    );
    expect(error).toBeInstanceOf(DamageError);
    expect(bytes.length).toBeGreaterThanOrEqual(half.bytes.length);
    expect(bytes.subarray(0, half.bytes.length).equals(half.bytes)).toBe(true);
  });

  it('delivers a whole member before bytes that are not gzip', async () => {
    const mixed = Buffer.concat([gzipSync(content()), Buffer.from('not gzip')]);
    const { bytes, error } = await collect(
      decompressed(inPieces(mixed, [1 << 20]), () => inPieces(mixed, [1 << 20])),
    );
    expect(error).toBeInstanceOf(DamageError);
    expect(bytes.equals(content())).toBe(true);
  });

  it('notices a wrong checksum', async () => {
    const packed = gzipSync('some text');
    packed.writeUInt32LE(1, packed.length - 8);
    const { error } = await collect(decompressed(inPieces(packed, [5])));
    expect(String(error)).toContain('incorrect data check');
  });

  it('holds a bounded part of a decompression bomb', async () => {
    const member = gzipSync(Buffer.alloc(64 << 20));
    let total = 0;
    let most = 0;
    const before = process.memoryUsage().arrayBuffers;
    for await (const chunk of decompressed(
      inPieces(Buffer.concat([member, member, member, member]), [1 << 20]),
    )) {
      total += chunk.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(total).toBe(256 << 20);
    expect(most).toBeLessThan(128 << 20);
  });
});

const decoders = [
  { name: 'fzstd', decoder: fzstdDecoder },
  { name: 'node:zlib', decoder: nativeZstdDecoder() },
];

describe.each(decoders)('unzstd with $name', ({ decoder }) => {
  describe.skipIf(decoder === undefined)('where there is one', () => {
    const run = (bytes: Uint8Array, split: readonly number[] = [1 << 20]): ReturnType<typeof collect> =>
      collect(unzstd(inPieces(bytes, split), decoder));

    it.each(['sized', 'streamed-unchecked', 'frames', 'skippable', 'window-128m'])(
      'reads %s.zst',
      async (name) => {
        const packed = await fixture(`${name}.zst`);
        for (const split of name === 'window-128m' ? [[4096]] : [[1 << 20], [4096], [1, 3, 17]]) {
          const { bytes, error } = await run(packed, split);
          expect(error).toBeUndefined();
          expect(bytes.equals(content())).toBe(true);
        }
      },
    );

    it('reads an empty frame', async () => {
      expect(await run(await fixture('empty.zst'))).toEqual({ bytes: Buffer.alloc(0), error: undefined });
    });

    it('refuses a window that the zstd command refuses too', async () => {
      const { bytes, error } = await run(await fixture('window-2g.zst'));
      expect(bytes).toHaveLength(0);
      expect(String(error)).toContain('window');
    });

    it('delivers every whole block before a cut, then tells it', async () => {
      const packed = await fixture('sized.zst');
      for (const length of [5, 20, packed.length >> 1, packed.length - 5, packed.length - 1]) {
        const { bytes, error } = await run(packed.subarray(0, length), [1000]);
        expect(error).toBeInstanceOf(DamageError);
        expect(content().subarray(0, bytes.length).equals(bytes)).toBe(true);
        if (length > packed.length / 2) expect(bytes.length).toBeGreaterThan(100_000);
      }
    });

    it('notices any flipped bit of a frame with a checksum', async () => {
      const packed = await fixture('frames.zst');
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: packed.length * 8 - 1 }), async (bit) => {
          const damaged = Buffer.from(packed);
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const { bytes, error } = await run(damaged);
          // A few bits say nothing about the content: a window may be larger than it needs to be.
          if (!bytes.equals(content())) expect(error).toBeInstanceOf(DamageError);
        }),
        { numRuns: 200 },
      );
    });

    it('refuses bytes after the last frame that are no frame', async () => {
      const { bytes, error } = await run(
        Buffer.concat([zstdFrame([Buffer.from('good')]), Buffer.from('bad bytes')]),
      );
      expect(bytes.toString()).toBe('good');
      expect(String(error)).toContain('not zstd');
    });

    it('refuses dictionaries, unknown versions and block types', async () => {
      const frame = (descriptor: number, rest: readonly number[]): Buffer =>
        Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest]);
      expect(String((await run(frame(1, [0x38, 7, 1, 0, 0]))).error)).toContain('dictionary');
      expect(String((await run(frame(8, [0x38, 1, 0, 0]))).error)).toContain('version');
      expect(String((await run(frame(0, [0x38, 7, 0, 0]))).error)).toContain('block');
    });

    it('refuses a frame that is longer than it declares', async () => {
      // A single segment that declares three bytes.
      const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x29, 0, 0, ...Buffer.from('hello')]);
      expect((await run(frame)).error).toBeInstanceOf(DamageError);
    });

    it('reads thousands of tiny frames in one chunk', async () => {
      const tiny = zstdFrame([Buffer.from('x')]);
      const { bytes, error } = await run(Buffer.concat(Array.from({ length: 5000 }, () => tiny)));
      expect(error).toBeUndefined();
      expect(bytes).toHaveLength(5000);
    });

    it('holds a bounded part of a decompression bomb: 8 KiB that make 256 MiB', async () => {
      const bomb = zstdFrame(
        Array.from({ length: 2048 }, () => ({ repeat: 1 << 17, byte: 0x7b })),
        { checksum: false },
      );
      expect(bomb.length).toBeLessThan(8300);
      let total = 0;
      let most = 0;
      const before = process.memoryUsage().arrayBuffers;
      for await (const chunk of unzstd(inPieces(bomb, [1 << 20]), decoder)) {
        total += chunk.length;
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      expect(total).toBe(256 << 20);
      expect(most).toBeLessThan(128 << 20);
    });
  });
});
