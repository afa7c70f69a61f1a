import type { ConfigNode, ConfigObject } from './config-tree.ts';

/** A key that the environment and flags can set. */
export interface ConfigKey {
  readonly path: readonly string[];
  readonly node: ConfigNode;
  /** Whether the text names a file that holds the secret. */
  readonly isFile: boolean;
}

/** A value from one layer, and where it was written. */
export interface Given {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: string;
}

/** What one layer gave, and what was wrong with it. */
export interface Layer {
  readonly given: Given[];
  readonly problems: string[];
  /** Keys that were given, but so that there is no value: they are not missing as well. */
  readonly broken: (readonly string[])[];
  /** Secrets that were read from files, at any depth: they are read anew whenever they are used. */
  readonly files: SecretAt[];
}

/** A secret, and the file that it is of. */
export interface SecretAt {
  readonly path: readonly (string | number)[];
  readonly file: string;
}

/** A layer in which nothing was given. */
export function emptyLayer(): Layer {
  return { given: [], problems: [], broken: [], files: [] };
}

/** Every key below a node that is no map with known keys, and for each secret the key of its file. */
export function configKeys(node: ConfigObject, path: readonly string[] = []): ConfigKey[] {
  const keys: ConfigKey[] = [];
  for (const [name, child] of node.children) {
    const at = [...path, name];
    if (child.kind === 'object') {
      keys.push(...configKeys(child, at));
    } else {
      keys.push({ path: at, node: child, isFile: false });
      if (isSecret(child)) keys.push({ path: at, node: child, isFile: true });
    }
  }
  return keys;
}

/** Whether a key of this kind may also be given as the name of a file. */
export function isSecret(node: ConfigNode | undefined): boolean {
  return node?.kind === 'scalar' && node.types.has('secret');
}

/** `kafka.brokers`, as YAML nests it and a flag spells it. */
export function keyName(key: Pick<ConfigKey, 'path' | 'isFile'>): string {
  return key.path.join('.') + (key.isFile ? 'File' : '');
}

/** `LEASTWISE_AGGREGATOR_`, before every variable of a service. */
export function variablePrefix(service: string): string {
  return `LEASTWISE_${upperSnake(service)}_`;
}

/** `LEASTWISE_AGGREGATOR_KAFKA_BROKERS`. */
export function variableName(service: string, key: Pick<ConfigKey, 'path' | 'isFile'>): string {
  return variablePrefix(service) + key.path.map(upperSnake).join('_') + (key.isFile ? '_FILE' : '');
}

/**
 * Keys by the name that a layer gives them.
 * @throws Error if two keys have one name: such a schema cannot be told apart, which no configuration mends.
 */
export function keysByName(
  keys: readonly ConfigKey[],
  name: (key: ConfigKey) => string,
  reserved: string,
): ReadonlyMap<string, ConfigKey> {
  const byName = new Map<string, ConfigKey>();
  for (const key of keys) {
    const own = name(key);
    if (own === reserved || byName.has(own)) {
      throw new Error(`${own} names two things in this schema: rename the key ${keyName(key)}`);
    }
    byName.set(own, key);
  }
  return byName;
}

/** ` (did you mean X?)` if a name differs by at most two letters, else nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let best: string | undefined;
  let least = 3;
  for (const candidate of known) {
    const distance = editDistance(name, candidate, least);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

function upperSnake(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]/g, '_')
    .toUpperCase();
}

function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit || left.length > 200) return limit;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? limit;
}
