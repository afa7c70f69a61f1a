import type { DecodeSink } from '../types.ts';
import { asBuffer } from './bytes.ts';
import { RecordDecoder } from './record-decoder.ts';

/** Where a record came from, and how to read its cluster. */
interface DecodeRecordOptions {
  readonly clusterField?: string;
  /** The line that the sink is told. Default: 1. */
  readonly line?: number;
}

/**
 * Decodes the text of one whole JSON record by the plain way, `JSON.parse`: slower than the scanner,
 * and what the scanner is held to. It refuses records that are malformed anywhere, which the
 * scanner uses where the malformation is inside of a value that is skipped.
 */
export function decodeRecord(bytes: Uint8Array, sink: DecodeSink, options: DecodeRecordOptions = {}): void {
  const { clusterField, line = 1 } = options;
  const range = { bytes: asBuffer(bytes), start: 0, end: bytes.byteLength, line, isCut: false };
  new RecordDecoder(sink, clusterField, undefined).json(range, 0);
}
