import type { YamlNode } from '@leastwise/rbac';

import { escapeHidden, quoted, type TeamProblemReason } from './problem.ts';

/** A JSON Schema, or a part of one. @see https://json-schema.org/draft/2020-12 */
export type Schema = Readonly<Record<string, unknown>>;

/** Keys and indices from the root of a file. */
export type Path = readonly (string | number)[];

/** Something that is wrong, before its line is known. */
export interface Finding {
  readonly path: Path;
  readonly reason: TeamProblemReason;
  readonly detail: string;
}

/** Where in a file a value stands, and where to tell what is wrong with it. */
export class Place {
  readonly path: Path;
  readonly #findings: Finding[];

  constructor(findings: Finding[], path: Path = []) {
    this.#findings = findings;
    this.path = path;
  }

  at(key: string | number): Place {
    return new Place(this.#findings, [...this.path, key]);
  }

  /** Tells a problem; answers `null`, which is what a reader then gives. */
  note(reason: TeamProblemReason, detail: string): null {
    this.#findings.push({ path: this.path, reason, detail });
    return null;
  }
}

/**
 * What a value has to look like, said once: for the reader of the file, and for editors as JSON Schema.
 * `read` gives `null` iff it has told a problem: nothing that a shape takes is null.
 */
export interface Shape<T> {
  readonly schema: Schema;
  read(value: YamlNode, place: Place): T | null;
}

/** Text that a pattern takes. */
export function text(pattern: RegExp, what: string): Shape<string> {
  return {
    schema: { type: 'string', pattern: pattern.source },
    read(value, place) {
      if (typeof value !== 'string') return place.note('wrong-type', 'is no text: put it in quotes');
      return pattern.test(value) ? value : place.note('not-allowed', `${quoted(value)} is not ${what}`);
    },
  };
}

/** A whole number within bounds, both included. */
export function wholeNumber(minimum: number, maximum: number): Shape<number> {
  return {
    schema: { type: 'integer', minimum, maximum },
    read(value, place) {
      if (typeof value !== 'number') return place.note('wrong-type', 'is no number');
      const isGood = Number.isInteger(value) && value >= minimum && value <= maximum;
      return isGood ? value : place.note('not-allowed', `is no whole number from ${minimum} to ${maximum}`);
    },
  };
}

/** `true` or `false`. */
export const flag: Shape<boolean> = {
  schema: { type: 'boolean' },
  read: (value, place) =>
    typeof value === 'boolean' ? value : place.note('wrong-type', 'is neither true nor false'),
};

/** One of a few words, spelled as given. */
export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return {
    schema: { type: 'string', enum: words },
    read(value, place) {
      const found = words.find((word) => word === value);
      return found ?? place.note('not-allowed', `is none of ${words.join(', ')}`);
    },
  };
}

/** What one shape or another takes; `what` says both, for the message. */
export function either<A, B>(first: Shape<A>, second: Shape<B>, what: string): Shape<A | B> {
  return {
    schema: { anyOf: [first.schema, second.schema] },
    read(value, place) {
      const unheard = new Place([], place.path);
      const found: A | B | null = first.read(value, unheard) ?? second.read(value, unheard);
      return found ?? place.note('not-allowed', `is not ${what}`);
    },
  };
}

/** A list; with at least one item where it may not be empty. */
export function listOf<T>(item: Shape<T>, { minItems = 0 } = {}): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema, ...(minItems > 0 ? { minItems } : {}) },
    read(value, place) {
      if (!isList(value)) return place.note('wrong-type', 'is no list');
      if (value.length < minItems) return place.note('missing', `needs at least ${minItems} of a kind`);
      const items = value.map((each, i) => readWith(item, each, place.at(i)));
      return items.every((each) => each !== null) ? items : null;
    },
  };
}

/** A map from text to text. */
export function textMap(
  key: RegExp,
  what: string,
  item: Shape<string>,
): Shape<Readonly<Record<string, string>>> {
  return {
    schema: { type: 'object', propertyNames: { pattern: key.source }, additionalProperties: item.schema },
    read(value, place) {
      if (!isMap(value)) return place.note('wrong-type', 'is no map');
      const entries = [...value].map(([name, each]) => {
        const read = readWith(item, each, place.at(name));
        if (!key.test(name)) return place.at(name).note('not-allowed', `${quoted(name)} is not ${what}`);
        return read === null ? null : ([name, read] as const);
      });
      return entries.every((entry) => entry !== null) ? Object.fromEntries(entries) : null;
    },
  };
}

type Shapes<T> = { readonly [K in keyof T]-?: Shape<NonNullable<T[K]>> };

/** A map with the given keys and no others. */
export function fields<R extends object, O extends object>(
  required: Shapes<R>,
  optional: Shapes<O>,
): Shape<R & Partial<O>> {
  const shapes = new Map<string, Shape<unknown>>(Object.entries({ ...required, ...optional }));
  const needed = Object.keys(required);
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries([...shapes].map(([key, { schema }]) => [key, schema])),
      ...(needed.length > 0 ? { required: needed } : {}),
      additionalProperties: false,
    },
    read(value, place) {
      if (!isMap(value)) return place.note('wrong-type', 'is no map of keys and values');
      let isGood = true;
      const entries = [...value].map(([key, each]) => {
        const shape = shapes.get(key);
        const read =
          shape === undefined
            ? unknownKey(key, [...shapes.keys()], place)
            : readWith(shape, each, place.at(key));
        if (read === null) isGood = false;
        return [key, read] as const;
      });
      for (const key of needed) {
        if (value.has(key)) continue;
        place.note('missing', `needs the key ${key}`);
        isGood = false;
      }
      // The loops above have checked each key and each value against its shape.
      return isGood ? (Object.fromEntries(entries) as R & Partial<O>) : null;
    },
  };
}

/** A shape with a condition over the whole value. @param schema - the same condition, as far as JSON Schema can say it */
export function checked<T>(
  shape: Shape<T>,
  schema: Schema,
  check: (value: T, place: Place) => void,
): Shape<T> {
  return {
    schema: { ...shape.schema, ...schema },
    read(value, place) {
      const findings: Finding[] = [];
      const read = shape.read(value, place);
      if (read === null) return null;
      check(read, new Place(findings, place.path));
      for (const { path, reason, detail } of findings) {
        path
          .slice(place.path.length)
          .reduce((at, key) => at.at(key), place)
          .note(reason, detail);
      }
      return findings.length === 0 ? read : null;
    },
  };
}

/** A shape with words for editors: what it is for, and what holds where it is not given. They replace any that it has. */
export function described<T>(shape: Shape<T>, description: string, byDefault?: unknown): Shape<T> {
  const words = { description, ...(byDefault === undefined ? {} : { default: byDefault }) };
  // Once more at the end, so that they stand first and count last.
  return { ...shape, schema: { ...words, ...shape.schema, ...words } };
}

/** A path for people: `owners[0].group`. A key that is no plain word is quoted. */
export function pathText(path: Path): string {
  return path
    .map((part, i) => {
      if (typeof part === 'number') return `[${part}]`;
      const word = /^[\w./-]{1,80}$/.test(part) ? part : quoted(part);
      return escapeHidden(i === 0 ? word : `.${word}`);
    })
    .join('');
}

/** A key or a hyphen with nothing after it is a slip, whatever ought to be there. */
function readWith<T>(shape: Shape<T>, value: YamlNode, place: Place): T | null {
  return value === null
    ? place.note('wrong-type', 'is empty: give a value, or leave it out')
    : shape.read(value, place);
}

function unknownKey(key: string, known: readonly string[], place: Place): null {
  const near = known.find((each) => each.toLowerCase() === key.toLowerCase() || isOneEditAway(each, key));
  const hint = near === undefined ? `known here are ${known.join(', ')}` : `did you mean ${near}?`;
  return place.at(key).note('unknown-key', `there is no key ${quoted(key)}: ${hint}`);
}

/** Whether one letter was added, left out or mistyped, or two neighbours were swapped. */
function isOneEditAway(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  const rest = (word: string, skipped: number): string => word.slice(at + skipped);
  if (long.length > short.length) return rest(long, 1) === rest(short, 0);
  const isSwapped = long[at] === short[at + 1] && long[at + 1] === short[at];
  return rest(long, 1) === rest(short, 1) || (isSwapped && rest(long, 2) === rest(short, 2));
}

function isMap(value: YamlNode): value is ReadonlyMap<string, YamlNode> {
  return value instanceof Map;
}

function isList(value: YamlNode): value is readonly YamlNode[] {
  return Array.isArray(value);
}
