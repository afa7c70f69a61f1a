/** The top-level keys whose values are read; everything else is skipped. */
const READ = new Set([
  'kind',
  'apiVersion',
  'auditID',
  'stage',
  'requestURI',
  'verb',
  'user',
  'impersonatedUser',
  'userAgent',
  'objectRef',
  'responseStatus',
  'requestReceivedTimestamp',
  'annotations',
  'authenticationMetadata',
]);

/** Asked for the time where the one received is empty, and skipped where it is not: kept where they are sound. */
const FALLBACKS = new Set(['timestamp', 'metadata', 'stageTimestamp']);

function isSound(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * The members of a JSON object with every value that the scanner skips replaced by null: first those
 * of the record, then those of its `objectRef`. Written for plainness, as a check on the scanner;
 * separators of arrays around the record are left out.
 */
export function withoutSkippedValues(record: Buffer): Buffer {
  const text = record
    .toString('latin1')
    .replace(/^[\s,[\0]+|[\s,\]\0]+$/g, '')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  const reduced = reduce(text, (key) => READ.has(key));
  return Buffer.from(reduced, 'latin1');
}

function reduce(object: string, isRead: (key: string) => boolean): string {
  let out = '';
  let at = 0;
  while (at < object.length) {
    const member = /^[\s{,]*"((?:[^"\\]|\\.)*)"\s*:\s*/.exec(object.slice(at));
    if (!member) return out + object.slice(at);
    const [head, key = ''] = member;
    const end = endOfValue(object, at + head.length);
    const value = object.slice(at + head.length, end);
    const kept =
      key === 'objectRef' && value.startsWith('{')
        ? reduce(value, (name) => /^(?:apiGroup|apiVersion|resource|subresource|namespace|name)$/.test(name))
        : value;
    const isKept = isRead(key) || (FALLBACKS.has(key) && isSound(value));
    out += head + (isKept ? kept : 'null');
    at = end;
  }
  return out;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const rest = text.slice(at, at + 1);
    if (rest === '"') {
      at++;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
      at++;
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && /[,}\]\s]/.test(rest)) return at;
    if (rest === '{' || rest === '[') depth++;
    if (rest === '}' || rest === ']') depth--;
    at++;
    if (depth === 0 && (rest === '}' || rest === ']')) return at;
  }
  return at;
}
