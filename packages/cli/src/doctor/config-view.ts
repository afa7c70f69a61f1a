import { parseYamlValue, type YamlNode, type YamlValue } from '@leastwise/rbac';

function isMap(node: YamlNode | undefined): node is ReadonlyMap<string, YamlNode> {
  return node instanceof Map;
}

/** What stands at a dotted key; `undefined` where there is nothing. */
export function nodeAt(root: YamlNode | undefined, path: string): YamlNode | undefined {
  let node = root;
  for (const key of path.split('.')) node = isMap(node) ? node.get(key) : undefined;
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

  #at(path: string): YamlNode | undefined {
    return nodeAt(this.#root, path);
  }

  /** A text or a number, as text; `undefined` where the key has no value. */
  text(path: string): string | undefined {
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
