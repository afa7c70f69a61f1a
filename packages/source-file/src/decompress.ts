import { ByteReader } from './byte-reader.ts';
import { gunzip } from './gunzip.ts';
import type { RawBytes } from './raw-bytes.ts';
import { unzstd } from './zstd.ts';
import { isZstdMagic } from './zstd-frames.ts';

/**
 * The content of a stream, decompressed where its first bytes are those of gzip or zstd. Names are not looked
 * at: rotated logs and downloads carry any. No text that holds audit events begins with these bytes.
 *
 * @param replay - gives the same bytes from the beginning again, where that is possible.
 * @throws DamageError where a compressed stream is cut or damaged, after what is good was delivered.
 */
export async function* decompressed(
  bytes: RawBytes,
  replay?: () => RawBytes,
): AsyncGenerator<Uint8Array, void> {
  const reader = new ByteReader(bytes);
  try {
    const magic = await reader.peek(4);
    if (magic[0] === 0x1f && magic[1] === 0x8b) yield* gunzip(reader.rest(), replay);
    else if (isZstdMagic(magic)) yield* unzstd(reader.rest());
    else yield* reader.rest();
  } finally {
    await reader.close();
  }
}
