import { ForgeError } from '@leastwise/publish';

/**
 * The fields of an object in a forge's answer. Only what is used is looked at; what is missing or of another type is an
 * error that names it, for a forge that answers something else is not one to act on.
 */
export class Fields {
  readonly #entries: ReadonlyMap<string, unknown>;
  readonly #what: string;

  /** @param what - the request, for errors. @throws ForgeError where the value is no object */
  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ForgeError('unexpected', `${what}: the answer holds no object where one should be`);
    }
    this.#entries = new Map<string, unknown>(Object.entries(value));
    this.#what = what;
  }

  /** A string that must be there. */
  text(name: string): string {
    return this.optionalText(name) ?? this.#refuse(name, 'a string');
  }

  /** A string, or `undefined` where it is null or missing. */
  optionalText(name: string): string | undefined {
    const value = this.#entries.get(name) ?? undefined;
    return value === undefined || typeof value === 'string' ? value : this.#refuse(name, 'a string');
  }

  /** An integer that must be there. */
  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#refuse(name, 'an integer');
  }

  /** An integer, or `undefined` where it is null or missing. */
  optionalInteger(name: string): number | undefined {
    const value = this.#entries.get(name) ?? undefined;
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    return this.#refuse(name, 'an integer');
  }

  /** A boolean; `false` where it is null or missing. */
  flag(name: string): boolean {
    const value = this.#entries.get(name) ?? false;
    return typeof value === 'boolean' ? value : this.#refuse(name, 'a boolean');
  }

  /** A time that must be there, in microseconds since the epoch. */
  timeUs(name: string): number {
    return this.optionalTimeUs(name) ?? this.#refuse(name, 'a time');
  }

  /** A time, in microseconds since the epoch, or `undefined` where it is null or missing. */
  optionalTimeUs(name: string): number | undefined {
    const text = this.optionalText(name);
    if (text === undefined) return undefined;
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? this.#refuse(name, 'a time') : ms * 1000;
  }

  /** An object that must be there. */
  object(name: string): Fields {
    return this.optionalObject(name) ?? this.#refuse(name, 'an object');
  }

  /** An object, or `undefined` where it is null or missing. */
  optionalObject(name: string): Fields | undefined {
    const value = this.#entries.get(name) ?? undefined;
    return value === undefined ? undefined : new Fields(value, this.#what);
  }

  /** A list of objects; empty where it is null or missing. */
  objects(name: string): readonly Fields[] {
    return this.#list(name).map((each) => new Fields(each, this.#what));
  }

  /** A list of strings; empty where it is null or missing. */
  texts(name: string): readonly string[] {
    return this.#list(name).map((each) => (typeof each === 'string' ? each : this.#refuse(name, 'strings')));
  }

  #list(name: string): readonly unknown[] {
    const value: unknown = this.#entries.get(name) ?? [];
    return Array.isArray(value) ? value : this.#refuse(name, 'a list');
  }

  #refuse(name: string, kind: string): never {
    throw new ForgeError('unexpected', `${this.#what}: ${JSON.stringify(name)} in the answer is not ${kind}`);
  }
}
