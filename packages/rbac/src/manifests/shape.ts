import type { Finding, ManifestReason, Path } from './problem.ts';

/** An object of a document, with attacker-chosen keys: to be read with {@link Shape.get} only. */
export type Fields = Readonly<Record<string, unknown>>;

function nameOf(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');
}

/** Reads untyped values of one object and collects what is wrong with them. `null` counts as absent, as in Go. */
export class Shape {
  readonly findings: Finding[] = [];
  readonly #isTemplated: boolean;

  /** @param isTemplated - whether the file is a template: then no text of it may be taken for what it will be */
  constructor(isTemplated: boolean) {
    this.#isTemplated = isTemplated;
  }

  /** Notes a problem; the detail begins with the field's name. */
  note(path: Path, reason: ManifestReason, what: string): void {
    this.findings.push({ path, reason, detail: `${nameOf(path)} ${what}`.trim() });
  }

  /** The own field of an object. */
  get(fields: Fields, key: string): unknown {
    return Object.hasOwn(fields, key) ? (fields[key] ?? undefined) : undefined;
  }

  /** An object; without fields where there is none. */
  fields(value: unknown, path: Path): Fields {
    if (value === undefined || value === null) return {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as Fields;
    this.note(path, 'wrong-type', 'is not an object');
    return {};
  }

  /** A list; empty where there is none. */
  list(value: unknown, path: Path): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.note(path, 'wrong-type', 'is not a list');
    return [];
  }

  /** A string; `''` where there is none. */
  text(value: unknown, path: Path): string {
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') {
      this.note(path, 'wrong-type', 'is not a string');
      return '';
    }
    if (this.#isTemplated && value.includes('{{')) {
      this.note(path, 'templated', 'is a template: render the file first');
    }
    if (value.includes('\0')) this.note(path, 'unsupported-value', 'has a NUL character');
    return value;
  }

  /** A string that has to be there. */
  required(value: unknown, path: Path): string {
    const before = this.findings.length;
    const text = this.text(value, path);
    if (text === '' && this.findings.length === before) this.note(path, 'missing-field', 'is missing');
    return text;
  }

  /** One of several strings; `undefined`, with a finding, for another. */
  oneOf<T extends string>(value: unknown, allowed: readonly T[], path: Path): T | undefined {
    const before = this.findings.length;
    const text = this.required(value, path);
    const found = allowed.find((each) => each === text);
    if (found === undefined && this.findings.length === before) {
      this.note(path, 'unsupported-value', `is none of ${allowed.join(', ')}`);
    }
    return found;
  }

  /** True or false; `undefined` where there is neither. */
  flag(value: unknown, path: Path): boolean | undefined {
    if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined;
    this.note(path, 'wrong-type', 'is neither true nor false');
    return undefined;
  }

  /** A list of strings. */
  texts(value: unknown, path: Path): readonly string[] {
    return this.list(value, path).map((each, i) => {
      if (each === null) this.note([...path, i], 'wrong-type', 'is null');
      return this.text(each, [...path, i]);
    });
  }

  /** A map of strings, safe with any key. */
  textMap(value: unknown, path: Path): Readonly<Record<string, string>> {
    const entries = Object.entries(this.fields(value, path));
    return Object.fromEntries(entries.map(([key, each]) => [key, this.text(each, [...path, key])]));
  }
}
