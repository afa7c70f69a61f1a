import type { Layer, SecretAt } from './config-keys.ts';
import type { ConfigObject } from './config-tree.ts';
import { isPlainObject } from './config-value.ts';

/** One value out of all layers, for the schema to check. */
export interface Merged {
  readonly value: Record<string, unknown>;
  /** By dotted key, where the value that won was written. */
  readonly origins: ReadonlyMap<string, string>;
  /** The secrets of it that are of files. */
  readonly files: readonly SecretAt[];
}

/** Puts the layers on each other, the last on top, key by key. Keys are known ones: no layer gives others. */
export function merge(tree: ConfigObject, layers: readonly Layer[]): Merged {
  const value: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  let files: readonly SecretAt[] = [];
  for (const layer of layers) {
    for (const given of layer.given) {
      if (!place(value, given.path, given.value)) continue;
      origins.set(given.path.join('.'), given.origin);
      // What was placed hides what a layer below had there, and its files with it.
      files = files.filter(({ path }) => !isWithin(path, given.path));
      files = [...files, ...layer.files.filter(({ path }) => isWithin(path, given.path))];
    }
  }
  fill(tree, value);
  return { value, origins, files };
}

function isWithin(path: readonly (string | number)[], place: readonly string[]): boolean {
  return place.every((name, at) => path[at] === name);
}

/** The value at a path, or undefined where there is none. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

/** False where a layer below gave something else than a map: the schema will name that one. */
function place(root: Record<string, unknown>, path: readonly string[], value: unknown): boolean {
  let at = root;
  for (const name of path.slice(0, -1)) {
    const next = own(at, name);
    if (next !== undefined && !isPlainObject(next)) return false;
    at = next ?? define(at, name, {});
  }
  const last = path.at(-1) ?? '';
  define(at, last, value);
  return true;
}

/** Adds the maps that nobody gave, so that the defaults inside them apply. */
function fill(tree: ConfigObject, value: Record<string, unknown>): void {
  for (const [name, node] of tree.children) {
    if (node.kind !== 'object') continue;
    const child = own(value, name) ?? (node.isAlwaysThere ? define(value, name, {}) : undefined);
    if (isPlainObject(child)) fill(node, child);
  }
}

function own(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function define<T>(target: Record<string, unknown>, name: string, value: T): T {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  return value;
}
