import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import kafkajs from 'kafkajs';
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS } from './limits.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { batchHeader, refuse } from './refusal.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';
import { compressZstd, decompressZstd } from './zstd.ts';

/** What kafkajs asks of a codec. */
interface KafkaCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

interface Algorithm {
  readonly name: string;
  compress(bytes: Buffer): Buffer | Promise<Buffer>;
  decompress(bytes: Buffer): Buffer | Promise<Buffer>;
}

const gunzipBytes = promisify(gunzip);
const gzipBytes = promisify<Buffer, Buffer>(gzip);

const GZIP: Algorithm = {
  name: 'gzip',
  compress: (bytes) => gzipBytes(bytes),
  decompress: (bytes) => gunzipBytes(bytes, { maxOutputLength: MAX_BATCH_BYTES }),
};

/** By the number that batches carry: three bits. */
const ALGORITHMS: readonly (Algorithm | undefined)[] = [
  undefined,
  GZIP,
  { name: 'snappy', compress: compressSnappy, decompress: decompressSnappy },
  { name: 'lz4', compress: compressLz4, decompress: decompressLz4 },
  { name: 'zstd', compress: compressZstd, decompress: decompressZstd },
  unknownCodec(5),
  unknownCodec(6),
  unknownCodec(7),
];

/**
 * Makes all codecs known to kafkajs, which has gzip alone and stops for good at any other: a producer's change of
 * configuration would stop every reader. Whatever cannot be decompressed becomes records that are known as such,
 * so that one partition stops, and no other.
 */
export function registerCodecs(): void {
  for (const [id, algorithm] of ALGORITHMS.entries()) {
    if (algorithm === undefined) continue;
    const codec = codecOf(algorithm);
    Reflect.set(kafkajs.CompressionCodecs, id, () => codec);
  }
}

function codecOf(algorithm: Algorithm): KafkaCodec {
  return {
    compress: async ({ buffer }) => algorithm.compress(buffer),
    async decompress(bytes) {
      const records = batchHeader(bytes)?.records ?? 0;
      if (records > MAX_BATCH_RECORDS) return refuse(bytes, `a batch of ${records} records`);
      try {
        return await algorithm.decompress(bytes);
      } catch (error) {
        return refuse(bytes, `${algorithm.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}

function unknownCodec(id: number): Algorithm {
  return {
    name: `codec ${id}`,
    compress: refuseUnknown,
    decompress: refuseUnknown,
  };
}

function refuseUnknown(): never {
  throw new Error('not a codec that is known here');
}
