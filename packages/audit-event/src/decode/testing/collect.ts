import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';

import type { AuditEvent, BadReason, DecodeSink, SkipReason } from '../../types.ts';
import { decodeRecord, RecordReader } from '../index.ts';
import type { RecordReaderOptions } from '../index.ts';

/** What a decoder told of its input, in its order. */
export type Told =
  | { readonly event: AuditEvent; readonly cluster: string | undefined; readonly line: number }
  | { readonly skipped: SkipReason; readonly line: number }
  | { readonly bad: BadReason; readonly line: number; readonly detail: string; readonly bytes: string };

/** A sink that keeps all it is told. */
export function collector(): { readonly sink: DecodeSink; readonly told: Told[] } {
  const told: Told[] = [];
  const sink: DecodeSink = {
    // The token of a shape is no part of what an event says.
    event: (event, cluster, line) => void told.push({ event: { ...event, shape: undefined }, cluster, line }),
    skipped: (skipped, line) => void told.push({ skipped, line }),
    bad: (bad, line, detail, bytes) =>
      void told.push({ bad, line, detail, bytes: Buffer.from(bytes).toString('latin1') }),
  };
  return { sink, told };
}

/** Reads one origin, in chunks of the given sizes and then the rest; and at once, which must tell the same. */
export function read(
  input: string | Uint8Array,
  options: RecordReaderOptions = {},
  chunks: readonly number[] = [],
): Told[] {
  const { sink, told } = collector();
  const reader = new RecordReader(sink, options);
  const bytes = Buffer.from(input);
  let at = 0;
  for (const size of chunks) {
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (at < bytes.length) reader.push(bytes.subarray(at));
  reader.end();
  if (chunks.length > 0) return told;
  const whole = collector();
  new RecordReader(whole.sink, options).readWhole(bytes);
  assert.deepEqual(whole.told, told);
  return told;
}

/** The same by the plain way, of one record. */
export function readPlain(input: string | Uint8Array, clusterField?: string): Told[] {
  const { sink, told } = collector();
  decodeRecord(Buffer.from(input), sink, clusterField === undefined ? {} : { clusterField });
  return told;
}

export function events(told: readonly Told[]): AuditEvent[] {
  return told.flatMap((each) => ('event' in each ? [each.event] : []));
}

/** One word for each thing that was told: an auditID, a skip reason, or a bad reason behind `!`. */
export function words(told: readonly Told[]): string[] {
  return told.map((each) =>
    'event' in each ? each.event.auditID : 'skipped' in each ? each.skipped : `!${each.bad}`,
  );
}
