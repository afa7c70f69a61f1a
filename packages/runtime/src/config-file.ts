import { isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLError } from 'yaml';

import type { Layer } from './config-keys.ts';
import { didYouMean, emptyLayer } from './config-keys.ts';
import type { ConfigObject } from './config-tree.ts';
import { expandSecretFiles, isPlainObject, secretOf } from './config-value.ts';
import { readText } from './secret-file.ts';

/** Where in a file something is: `leastwise.yaml:12`. */
export type Locate = (path: readonly PropertyKey[]) => string;

/** What the file gave, and where in it a key is. */
export interface FileLayer extends Layer {
  /** Nothing could be taken from the file. */
  readonly isUnreadable: boolean;
  readonly locate: Locate;
}

/** As many aliases as a person writes; a file that would grow a thousandfold has more. */
const MAX_ALIASES = 100;

/** The layer of a YAML file: one document that holds a map, or nothing at all. */
export function readConfigFile(path: string, tree: ConfigObject): FileLayer {
  const layer = emptyLayer();
  const file = readText(path);
  if (!file.ok) {
    layer.problems.push(`${path}: cannot read the configuration file: ${file.why}`);
    return { ...layer, isUnreadable: true, locate: () => path };
  }
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const locate = locator(path, document, lines);
  for (const fault of [...document.errors, ...document.warnings]) {
    layer.problems.push(`${path}:${lines.linePos(fault.pos[0]).line}: ${yamlProblem(fault)}`);
  }
  if (layer.problems.length > 0) return { ...layer, isUnreadable: true, locate };
  const root = plainValue(document);
  if (!root.ok) {
    layer.problems.push(
      `${path}: has an alias without an anchor, or more aliases than a configuration needs`,
    );
  } else if (isPlainObject(root.value)) {
    const content = expandSecretFiles(tree, root.value, [], {
      problem: (at, text) => {
        layer.problems.push(`${locate(at)}: ${at.join('.')}: ${text}`);
        layer.broken.push(withoutFile(tree, at));
      },
      secret: (at, file) => layer.files.push({ path: at, file }),
    });
    collect({ tree, layer, locate }, content, []);
  } else if (root.value !== null) {
    layer.problems.push(`${path}:1: expected a map of keys`);
  }
  return { ...layer, isUnreadable: !root.ok, locate };
}

interface Collecting {
  readonly tree: ConfigObject;
  readonly layer: Layer;
  readonly locate: Locate;
}

function collect({ tree, layer, locate }: Collecting, content: unknown, path: readonly string[]): void {
  if (!isPlainObject(content)) return;
  for (const [key, value] of Object.entries(content)) {
    const at = [...path, key];
    const node = tree.children.get(key);
    if (node === undefined) {
      const hint = didYouMean(key, tree.children.keys());
      layer.problems.push(`${locate(at)}: ${at.join('.')}: is no key of this configuration${hint}`);
    } else if (node.kind === 'object' && isPlainObject(value) && Object.keys(value).length > 0) {
      collect({ tree: node, layer, locate }, value, at);
    } else if (node.kind !== 'object' || value !== null) {
      // A map whose keys are all commented out is null; it says nothing.
      layer.given.push({ path: at, value, origin: locate(at) });
    }
  }
}

/** The key of the secret where the path ends in the key of its file. */
function withoutFile(tree: ConfigObject, path: readonly (string | number)[]): string[] {
  const names = path.map(String);
  let node: ConfigObject | undefined = tree;
  for (const [index, name] of names.entries()) {
    const secret: string | undefined = secretOf(node, name);
    if (secret !== undefined) return [...names.slice(0, index), secret];
    const child = node.children.get(name);
    if (child?.kind !== 'object') return names.slice(0, index + 1);
    node = child;
  }
  return names;
}

function plainValue(document: Document): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown };
  } catch {
    return { ok: false };
  }
}

function locator(file: string, document: Document, lines: LineCounter): Locate {
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const offset = offsetOf(document, path.slice(0, length));
      if (offset !== undefined) return `${file}:${lines.linePos(offset).line}`;
    }
    return file;
  };
}

/** Where a key begins; of an item of a list, the item. A secret read from a file is at the key of the file. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  const last = path.at(-1);
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (typeof parent !== 'object' || parent === null || !('items' in parent)) return undefined;
  if (!Array.isArray(parent.items)) return undefined;
  const items: readonly unknown[] = parent.items;
  if (typeof last === 'number') return startOf(items[last]);
  for (const name of [String(last), `${String(last)}File`]) {
    for (const item of items) {
      if (typeof item !== 'object' || item === null || !('key' in item)) continue;
      if (isScalar(item.key) && String(item.key.value) === name) return startOf(item.key);
    }
  }
  return undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** In our words: the parser's own quote the line, which may hold a secret. */
function yamlProblem(fault: YAMLError): string {
  switch (fault.code) {
    case 'DUPLICATE_KEY':
      return 'the key is there twice';
    case 'MULTIPLE_DOCS':
      return 'expected one document, and a second one begins';
    case 'TAB_AS_INDENT':
      return 'YAML is indented with spaces, not with tabs';
    case 'RESOURCE_EXHAUSTION':
      return 'too deeply nested';
    case 'TAG_RESOLVE_FAILED':
      return 'the tag is not known, or does not fit its value';
    default:
      return `is not YAML (${fault.code})`;
  }
}
