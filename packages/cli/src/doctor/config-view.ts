import { parseYamlValue, type YamlNode, type YamlValue } from '@leastwise/rbac';

function isMap(node: YamlNode | undefined): node is ReadonlyMap<string, YamlNode> {
  return node instanceof Map;
}

/** A dotted key, or its parts: names that somebody chose may have dots in them. */
export type KeyPath = string | readonly string[];

/** What stands at a key; `undefined` where there is nothing. */
export function nodeAt(root: YamlNode | undefined, path: KeyPath): YamlNode | undefined {
  let node = root;
  for (const key of typeof path === 'string' ? path.split('.') : path)
    node = isMap(node) ? node.get(key) : undefined;
  return node;
}

/** What a service prints of its configuration: `config print` leaves out keys without a value, and hides secrets. */
export class ConfigView {
  readonly #root: YamlNode | undefined;
  readonly #lines: readonly string[];
  readonly #yaml: YamlValue;

  /** @param printed - the output of `config print` */
  constructor(printed: string) {
    this.#yaml = parseYamlValue(printed);
    this.#root = this.#yaml.value;
    this.#lines = printed.split('\n');
  }

  /** Whether there is anything to look at. */
  get isEmpty(): boolean {
    return this.#root === undefined || this.#root === null;
  }

  #at(path: KeyPath): YamlNode | undefined {
    return nodeAt(this.#root, path);
  }

  /** A text or a number, as text; `undefined` where the key has no value. */
  text(path: KeyPath): string | undefined {
    const node = this.#at(path);
    return typeof node === 'string' || typeof node === 'number' ? String(node) : undefined;
  }

  /** A number, or what stands for it where the key has none. */
  number(path: string, otherwise: number): number {
    const node = this.#at(path);
    return typeof node === 'number' ? node : otherwise;
  }

  /** Whether a switch is on. */
  isOn(path: string): boolean {
    return this.#at(path) === true;
  }

  /** Whether a switch is off, and not merely left out. */
  isOff(path: string): boolean {
    return this.#at(path) === false;
  }

  /** The texts of a list. */
  texts(path: string): readonly string[] {
    const node = this.#at(path);
    const items: readonly unknown[] = Array.isArray(node) ? node : [];
    return items.filter((each) => typeof each === 'string');
  }

  /** The keys of a map. */
  keys(path: string): readonly string[] {
    const node = this.#at(path);
    return isMap(node) ? [...node.keys()] : [];
  }

  /** Where the value of a key was written: a flag, a variable, or file and line. */
  originOf(path: string): string | undefined {
    if (this.#at(path) === undefined) return undefined;
    const line = this.#lines[this.#yaml.lineOf(path.split('.')) - 1] ?? '';
    return / # (?<origin>.+)$/.exec(line)?.groups?.['origin'];
  }
}
