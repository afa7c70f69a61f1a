import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import kafkajs from 'kafkajs';
import { MAX_BATCH_BYTES } from './limits.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
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
];

/** What ends the decoding of one partition, and of it alone: kafkajs takes it for the cut end of an answer. */
export class CutBatchError extends Error {
  override readonly name = 'KafkaJSPartialMessageError';
}

/**
 * Decompresses the records of a batch.
 * @param codec - by the number that batches carry
 * @returns why it cannot be done, where the codec is unknown, or the bytes are damaged or would become too many
 */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer | string> {
  if (codec === 0) return bytes;
  const algorithm = ALGORITHMS[codec];
  if (algorithm === undefined) return `codec ${codec}: not a codec that is known here`;
  try {
    return await algorithm.decompress(bytes);
  } catch (error) {
    return `${algorithm.name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Makes all codecs known to kafkajs, which has gzip alone, for what is written, and for records in the formats before
 * batches.
 */
export function registerCodecs(): void {
  for (const [id, algorithm] of ALGORITHMS.entries()) {
    if (algorithm === undefined) continue;
    const codec = codecOf(algorithm, id);
    Reflect.set(kafkajs.CompressionCodecs, id, () => codec);
  }
}

function codecOf(algorithm: Algorithm, id: number): KafkaCodec {
  return {
    compress: async ({ buffer }) => algorithm.compress(buffer),
    async decompress(bytes) {
      const plain = await decompress(id, bytes);
      if (typeof plain === 'string') throw new CutBatchError(plain);
      return plain;
    },
  };
}
