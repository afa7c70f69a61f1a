import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';

import { type Path, quoted } from './problem.ts';

/** What a YAML file that a person wrote holds. Maps are Maps, so that a key may be called anything. */
export type YamlNode = string | number | boolean | null | readonly YamlNode[] | ReadonlyMap<string, YamlNode>;

/** A place in a YAML file that cannot be taken as it is. */
export interface YamlProblem {
  /** From 1. */
  readonly line: number;
  readonly path: Path;
  readonly reason: 'unreadable' | 'duplicate-key' | 'unsupported';
  /** For people; text of the file in it is escaped and cut. */
  readonly detail: string;
}

/** A YAML file of one document, as plain values. */
export interface YamlValue {
  /** `undefined` where the file is empty or cannot be read at all. What has a problem is left out. */
  readonly value: YamlNode | undefined;
  /** All of them, in the order of the file. */
  readonly problems: readonly YamlProblem[];
  /** The line of a key or an item, or of what is nearest above it. */
  lineOf(path: Path): number;
}

/** A configuration is nested by a handful of levels. The bound keeps paths short, and with them the work linear. */
const MAX_DEPTH = 32;

/** Far beyond what a person writes. */
const MAX_LENGTH = 1_048_576;

class Reader {
  readonly problems: YamlProblem[] = [];
  readonly #lines: LineCounter;
  readonly #lineByPath = new Map<string, number>();

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  /** Tells a problem; gives what then stands for the value. */
  note(offset: number, path: Path, problem: Pick<YamlProblem, 'reason' | 'detail'>): YamlNode | undefined {
    this.problems.push({ line: this.#lines.linePos(offset).line, path, ...problem });
    return undefined;
  }

  lineOf(path: Path): number {
    for (let length = path.length; length >= 0; length -= 1) {
      const line = this.#lineByPath.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }

  mark(offset: number, path: Path): void {
    this.#lineByPath.set(JSON.stringify(path), this.#lines.linePos(offset).line);
  }

  /** `undefined` where there is a problem, which is noted. */
  node(node: Node | null, path: Path, offset: number): YamlNode | undefined {
    if (node === null) return null;
    const unsupported = (detail: string): YamlNode | undefined =>
      this.note(node.range?.[0] ?? offset, path, { reason: 'unsupported', detail });
    // One short line may stand for a value of any size, over and over: nobody could check that in linear time.
    if (isAlias(node)) return unsupported('an alias (*) is not supported: write the value out');
    if (path.length >= MAX_DEPTH) return unsupported('it is nested too deeply');
    if (isMap(node)) return this.#map(node.items, path, offset);
    if (isSeq(node)) return this.#list(node.items as (Node | null)[], path, offset);
    if (!isScalar(node)) return unsupported('it is neither a map, a list, nor a plain value');
    const { value } = node;
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    return typeof value === 'number' ? value : unsupported('it is neither text, a number, true nor false');
  }

  #list(items: readonly (Node | null)[], path: Path, offset: number): readonly YamlNode[] {
    return items.flatMap((item, i): YamlNode[] => {
      const at = [...path, i];
      const start = item?.range?.[0] ?? offset;
      this.mark(start, at);
      const value = this.node(item, at, start);
      return value === undefined ? [] : [value];
    });
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path, offset: number) {
    const map = new Map<string, YamlNode>();
    const seen = new Set<string>();
    for (const { key, value } of items) {
      const start = isNode(key) ? (key.range?.[0] ?? offset) : offset;
      if (!isScalar(key) || typeof key.value !== 'string' || key.value === '<<') {
        const detail = 'a key is not plain text (merge keys, <<, are not supported)';
        this.note(start, path, { reason: 'unsupported', detail });
        continue;
      }
      const at = [...path, key.value];
      if (seen.has(key.value)) {
        const detail = `the key ${quoted(key.value)} is there twice`;
        this.note(start, at, { reason: 'duplicate-key', detail });
        continue;
      }
      seen.add(key.value);
      this.mark(start, at);
      const read = this.node(value as Node | null, at, start);
      if (read !== undefined) map.set(key.value, read);
    }
    return map;
  }
}

/** `undefined` where the text is nested so deeply that the parser runs out of stack. */
function documentsOf(text: string, lineCounter: LineCounter): readonly Document[] | undefined {
  // The parser would look for repeated keys in quadratic time; the reader does it by itself.
  const options = { lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' } as const;
  try {
    const documents = parseAllDocuments(text, options);
    return 'empty' in documents ? [] : documents;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function unreadable(detail: string): YamlValue {
  const problem: YamlProblem = { line: 1, path: [], reason: 'unreadable', detail };
  return { value: undefined, problems: [problem], lineOf: () => 1 };
}

function startOf(node: { readonly range?: readonly number[] | null }): number {
  return node.range?.[0] ?? 0;
}

function valueOf(documents: readonly Document[], reader: Reader): YamlNode | undefined {
  const [document, second] = documents;
  if (document === undefined) return undefined;
  for (const { message, pos } of [...document.errors, ...document.warnings]) {
    reader.note(pos[0], [], { reason: 'unreadable', detail: quoted(message.split('\n', 1)[0] ?? '') });
  }
  if (second !== undefined) {
    const detail = 'it holds more than one document (---)';
    reader.note(startOf(second), [], { reason: 'unsupported', detail });
  }
  const { contents } = document;
  if (document.errors.length > 0 || contents === null) return undefined;
  reader.mark(startOf(contents), []);
  const value = reader.node(contents, [], startOf(contents));
  const isEmpty = value === null && isScalar(contents) && contents.source === '';
  return isEmpty ? undefined : value;
}

/**
 * Reads a YAML (or JSON) file of one document that a person wrote: plain values only, so without aliases, merge keys
 * and tags of one's own. Never throws, whatever the text; takes time linear in its length.
 * @param text - at most 1 MiB is read
 */
export function parseYamlValue(text: string): YamlValue {
  if (text.length > MAX_LENGTH) return unreadable(`it is longer than ${MAX_LENGTH} characters`);
  const lines = new LineCounter();
  const documents = documentsOf(text, lines);
  if (documents === undefined) return unreadable('it is nested too deeply');
  const reader = new Reader(lines);
  const value = valueOf(documents, reader);
  const problems = reader.problems.toSorted((a, b) => a.line - b.line);
  return { value, problems, lineOf: (path) => reader.lineOf(path) };
}
