/** The value at a path of keys of a parsed JSON text; `undefined` where the path ends early. */
export function valueAt(value: unknown, ...keys: readonly string[]): unknown {
  let current = value;
  for (const key of keys) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}

/** The text at a path of keys; `''` where there is none. */
export function textAt(value: unknown, ...keys: readonly string[]): string {
  const found = valueAt(value, ...keys);
  return typeof found === 'string' ? found : '';
}

/** The list at a path of keys; empty where there is none. */
export function listAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...keys);
  return Array.isArray(found) ? found : [];
}

/** The entries of an object; none of anything else. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** A JSON text that is the same for equal values, whatever the order of their keys. Fields that are `undefined` do not count. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    // Entries are defined, never assigned: a key may be `__proto__`.
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A text without halves of surrogate pairs, which no UTF-8 holds; each becomes U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** What YAML 1.1 reads otherwise than JSON, or refuses: DEL, C1 controls, its own line breaks, the byte order mark, noncharacters. */
const UNLIKE_YAML = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * A JSON text that any YAML parser reads as the same value: server-side apply takes its body as YAML.
 * Halves of surrogate pairs become U+FFFD.
 * @see https://yaml.org/spec/1.1/#c-printable
 */
export function yamlSafeJson(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'string' ? wellFormed(each) : each,
  );
  return text.replace(UNLIKE_YAML, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Bytes of a value as an API server stores it: Go writes `<`, `>`, `&` and YAML's line breaks as six characters. */
export function storedBytes(value: unknown): number {
  const text = JSON.stringify(value);
  const escaped = text.match(/[<>&\u2028\u2029]/g)?.length ?? 0;
  return Buffer.byteLength(text) + 5 * escaped;
}
