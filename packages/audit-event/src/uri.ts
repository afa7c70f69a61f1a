const PERCENT = 0x25;
const PLUS = 0x2b;

// `ignoreBOM` keeps a leading U+FEFF, which the API server would keep too.
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The end of the unbroken run of `%XX` that begins at `start`; -1 where the run is malformed. */
function endOfEscapes(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) === PERCENT) {
    if (hexDigit(text.charCodeAt(at + 1)) < 0 || hexDigit(text.charCodeAt(at + 2)) < 0) return -1;
    at += 3;
  }
  return at;
}

function decodeEscapes(text: string, start: number, end: number): string {
  const bytes = new Uint8Array((end - start) / 3);
  for (let i = 0, at = start; at < end; i += 1, at += 3) {
    bytes[i] = (hexDigit(text.charCodeAt(at + 1)) << 4) | hexDigit(text.charCodeAt(at + 2));
  }
  return UTF8.decode(bytes);
}

/**
 * Percent-decodes once, as Go's `url.PathUnescape` does: `+` stays, and `%2F` becomes a slash.
 * Bytes that are not UTF-8 become U+FFFD. `undefined` for a malformed escape, which Go refuses.
 */
export function percentDecode(text: string): string | undefined {
  let next = text.indexOf('%');
  if (next < 0) return text;
  let decoded = '';
  let copied = 0;
  while (next >= 0) {
    const end = endOfEscapes(text, next);
    if (end < 0) return undefined;
    decoded += text.slice(copied, next) + decodeEscapes(text, next, end);
    copied = end;
    next = text.indexOf('%', end);
  }
  return decoded + text.slice(copied);
}

/** Decodes a key or value of a query, as Go's `url.QueryUnescape` does: like `percentDecode`, but `+` is a space. */
function queryUnescape(text: string): string | undefined {
  return percentDecode(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

function isPlainKey(uri: string, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    const code = uri.charCodeAt(i);
    if (code === PERCENT || code === PLUS) return false;
  }
  return true;
}

/**
 * The first value of a query parameter of a request URI, as Go's `url.ParseQuery` finds it: `''` for a key without
 * a value, pairs with `;` or a malformed escape skipped. `undefined` where the URI has no such parameter.
 */
export function queryValue(requestURI: string, key: string): string | undefined {
  let start = requestURI.indexOf('?') + 1;
  if (start === 0) return undefined;
  while (start < requestURI.length) {
    let end = requestURI.indexOf('&', start);
    if (end < 0) end = requestURI.length;
    const value = pairValue(requestURI, key, start, end);
    if (value !== undefined) return value;
    start = end + 1;
  }
  return undefined;
}

/** The value of the pair at [start, end) if its key is the one wanted. */
function pairValue(uri: string, key: string, start: number, end: number): string | undefined {
  let keyEnd = start;
  while (keyEnd < end && uri.charCodeAt(keyEnd) !== 0x3d) keyEnd += 1;
  const matches = isPlainKey(uri, start, keyEnd)
    ? keyEnd - start === key.length && uri.startsWith(key, start)
    : queryUnescape(uri.slice(start, keyEnd)) === key;
  if (!matches || uri.slice(start, end).includes(';')) return undefined;
  return queryUnescape(uri.slice(Math.min(keyEnd + 1, end), end));
}

/** `text` without NUL, which becomes U+FFFD: permissions are joined to keys with NUL, and clients choose names. */
export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u{FFFD}') : text;
}
