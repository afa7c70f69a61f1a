import type { YamlNode } from '@leastwise/rbac';

/** Keys and indices from the root of a file. */
export type Path = readonly (string | number)[];

/** Why something in a policy cannot be used. A closed set. */
export type PolicyReason =
  | 'unreadable'
  | 'duplicate-key'
  | 'unsupported'
  | 'unknown-key'
  | 'missing'
  | 'wrong-type'
  | 'not-allowed'
  | 'too-many-problems';

/** Something that is wrong, before its line is known. */
export interface Remark {
  readonly path: Path;
  readonly reason: PolicyReason;
  readonly detail: string;
}

const MAX_QUOTED = 80;

/** Text of a file, for a message: on one line, with nothing hidden in it, and cut. */
export function quoted(text: string): string {
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(cut).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A place of a file, and where to tell what is wrong there. */
export class Place {
  readonly path: Path;
  readonly #remarks: Remark[];

  constructor(remarks: Remark[], path: Path = []) {
    this.#remarks = remarks;
    this.path = path;
  }

  at(key: string | number): Place {
    return new Place(this.#remarks, [...this.path, key]);
  }

  /** Tells a problem; gives what then stands for the value. */
  note(reason: PolicyReason, detail: string): null {
    this.#remarks.push({ path: this.path, reason, detail });
    return null;
  }
}

/** Reads a value; `null` iff a problem was told. */
export type Read<T> = (value: YamlNode, place: Place) => T | null;

/** Text that is not empty, and that a test takes. */
export function text(isGood: (value: string) => boolean = () => true, what = 'text'): Read<string> {
  return (value, place) => {
    if (typeof value !== 'string') return place.note('wrong-type', 'is no text: put it in quotes');
    if (value === '') return place.note('missing', 'is empty');
    return isGood(value) ? value : place.note('not-allowed', `${quoted(value)} is not ${what}`);
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): Read<T> {
  return (value, place) =>
    words.find((word) => word === value) ?? place.note('not-allowed', `is none of ${words.join(', ')}`);
}

/** A whole number from 1 on. */
export function count(maximum: number): Read<number> {
  return (value, place) => {
    if (typeof value !== 'number') return place.note('wrong-type', 'is no number');
    const isGood = Number.isInteger(value) && value >= 1 && value <= maximum;
    return isGood ? value : place.note('not-allowed', `is no whole number from 1 to ${maximum}`);
  };
}

/** `true` or `false`. */
export const flag: Read<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : place.note('wrong-type', 'is neither true nor false');

/** A list; what is wrong with one item is told of that item. */
export function listOf<T>(item: Read<T>): Read<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return place.note('wrong-type', 'is no list');
    // A list of YAML holds nodes of YAML.
    const items = (value as readonly YamlNode[]).map((each, i) => item(each, place.at(i)));
    return items.every((each) => each !== null) ? items : null;
  };
}

/** A map of known keys, read one by one. */
export class Fields {
  readonly place: Place;
  readonly #map: ReadonlyMap<string, YamlNode>;
  readonly #known = new Set<string>();
  #isGood = true;

  private constructor(map: ReadonlyMap<string, YamlNode>, place: Place) {
    this.#map = map;
    this.place = place;
  }

  /** Reads a map by what `read` asks for; keys that it does not ask for are problems. */
  static read<T>(value: YamlNode, place: Place, read: (fields: Fields) => T): T | null {
    if (!(value instanceof Map)) return place.note('wrong-type', 'is no map of keys and values');
    // A map of YAML has text for keys and nodes of YAML for values.
    const fields = new Fields(value as ReadonlyMap<string, YamlNode>, place);
    const result = read(fields);
    fields.#refuseUnknown();
    return fields.#isGood ? result : null;
  }

  /** The value of a key, `byDefault` where the key is not there. Where it is wrong, that is told. */
  optional<T, D>(key: string, read: Read<T>, byDefault: D): T | D {
    this.#known.add(key);
    const value = this.#map.get(key);
    if (value === undefined) return byDefault;
    const result =
      value === null ? this.place.at(key).note('missing', 'is empty') : read(value, this.place.at(key));
    if (result === null) this.#isGood = false;
    return result ?? byDefault;
  }

  /** The value of a key that has to be there; else `instead`, which the reader of the map throws away. */
  required<T>(key: string, read: Read<T>, instead: T): T {
    if (!this.#map.has(key)) {
      this.#known.add(key);
      this.#isGood = false;
      this.place.note('missing', `needs the key ${key}`);
      return instead;
    }
    return this.optional(key, read, instead);
  }

  #refuseUnknown(): void {
    for (const key of this.#map.keys()) {
      if (this.#known.has(key)) continue;
      this.#isGood = false;
      const detail = `there is no key ${quoted(key)}: known here are ${[...this.#known].sort().join(', ')}`;
      this.place.at(key).note('unknown-key', detail);
    }
  }
}
