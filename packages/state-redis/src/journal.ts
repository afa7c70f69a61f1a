/** A field with its value: empty where the field is gone. */
export type FieldValue = readonly [field: string, value: string | Buffer];

function sized(bytes: Buffer): Buffer[] {
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32LE(bytes.length);
  return [size, bytes];
}

/** Fields with their values as one value. */
export function encodeJournal(entries: Iterable<FieldValue>): Buffer {
  const parts: Buffer[] = [];
  for (const [field, value] of entries) {
    parts.push(...sized(Buffer.from(field)));
    parts.push(...sized(typeof value === 'string' ? Buffer.from(value) : value));
  }
  return Buffer.concat(parts);
}

/**
 * The inverse of {@link encodeJournal}.
 * @throws RangeError where it was cut off
 */
export function* readJournal(bytes: Buffer): Generator<readonly [field: string, value: Buffer], void> {
  let at = 0;
  const next = (): Buffer => {
    const start = at + 4;
    const end = start + bytes.readUInt32LE(at);
    if (end > bytes.length) throw new RangeError('the journal is cut off');
    at = end;
    return bytes.subarray(start, end);
  };
  while (at < bytes.length) {
    const field = next().toString();
    yield [field, next()];
  }
}
