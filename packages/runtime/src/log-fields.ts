import { HIDDEN, Secret } from './secret.ts';
import { hideCredentials, MAX_CREDENTIALS, truncate } from './text.ts';

/** The longest text that a log line holds, in UTF-16 units; texts of an audit event have no end of their own. */
const MAX_TEXT = 4096;
/** The most values that a log line holds, however they are nested. */
const MAX_VALUES = 200;
const MAX_DEPTH = 6;
const MAX_CAUSES = 10;
const CUT = '[cut]';
/** Names that pino writes itself: where one is there twice, readers of JSON disagree on which counts. */
const RESERVED = new Set(['level', 'time', 'msg', 'name']);
/** What an error says of itself in places of their own. */
const ERROR_KEYS = new Set(['name', 'message', 'stack', 'cause']);
const SECRET_NAME =
  /(?:password|passwd|passphrase|secret|token|authorization|apikey|privatekey|accesskey|credentials?|cookie)$/;

/** Fields as they may stand in a log line: plain, bounded, without secrets. */
export function logFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const budget = { values: MAX_VALUES };
  return plainEntries(fields, { depth: 0, budget }, (key) => (RESERVED.has(key) ? `${key}_` : key));
}

/** A text as it may stand in a log line: bounded, and without the user and password of a URL. */
export function logText(text: string): string {
  if (!text.includes('//')) return truncate(text, MAX_TEXT);
  // Credentials are hidden before the cut, which could take away the @ that tells them.
  const start = text.slice(0, MAX_TEXT + 2 * MAX_CREDENTIALS);
  return truncate(hideCredentials(start), MAX_TEXT);
}

interface Place {
  readonly depth: number;
  /** Shared by all places of one line. */
  readonly budget: { values: number };
}

function plain(value: unknown, place: Place): unknown {
  switch (typeof value) {
    case 'string':
      return logText(value);
    case 'number':
      // JSON has no NaN and no infinity, and makes null of them.
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : plainObject(value, place);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
  }
}

function plainObject(value: object, place: Place): unknown {
  if (value instanceof Secret) return HIDDEN;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return logText(value.href);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (place.depth >= MAX_DEPTH) return CUT;
  if (value instanceof Error) return plainError(value, place, MAX_CAUSES);
  if (Array.isArray(value)) return plainList(value, place);
  if (value instanceof Map || value instanceof Set) return plainList(value, place);
  return plainEntries(value, place, (key) => key);
}

function plainList(values: Iterable<unknown>, place: Place): unknown[] {
  const items: unknown[] = [];
  for (const value of values) {
    if (place.budget.values-- <= 0) return [...items, CUT];
    items.push(plain(value, deeper(place)));
  }
  return items;
}

function plainError(error: Error, place: Place, causes: number): Record<string, unknown> {
  const plainly: Record<string, unknown> = {
    type: logText(error.name),
    message: logText(error.message),
    stack: error.stack === undefined ? undefined : logText(error.stack),
    ...plainEntries(error, place, (key) => (ERROR_KEYS.has(key) ? undefined : key)),
  };
  if (error instanceof AggregateError) plainly['errors'] = plain(error.errors, deeper(place));
  if (error.cause !== undefined) plainly['cause'] = plainCause(error.cause, place, causes - 1);
  return plainly;
}

function plainCause(cause: unknown, place: Place, causes: number): unknown {
  if (causes === 0 || place.budget.values-- <= 0) return CUT;
  return cause instanceof Error ? plainError(cause, place, causes) : plain(cause, deeper(place));
}

function plainEntries(
  value: object,
  place: Place,
  rename: (key: string) => string | undefined,
): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(value)) {
    const name = rename(key);
    if (name === undefined) continue;
    if (place.budget.values-- <= 0) {
      entries.push(['…', CUT]);
      break;
    }
    entries.push([logText(name), isSecretName(key) ? HIDDEN : plain(readOwn(value, key), deeper(place))]);
  }
  // Unlike an assignment, this makes `__proto__` a key as any other.
  return Object.fromEntries(entries);
}

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 };
}

function readOwn(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key) as unknown;
  } catch {
    return '[unreadable]';
  }
}

function isSecretName(key: string): boolean {
  return SECRET_NAME.test(key.slice(-64).replaceAll(/[-_.]/g, '').toLowerCase());
}
