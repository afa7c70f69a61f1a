import { isSecret } from './config-keys.ts';
import type { ConfigNode, ConfigObject } from './config-tree.ts';
import { readSecretFile } from './secret-file.ts';

/** A value read, or what was wanted instead; the text never holds what was given. */
export type Coerced =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** What a text of the environment or of a flag stands for, where the schema wants this node. */
export function coerceText(node: ConfigNode, text: string): Coerced {
  switch (node.kind) {
    case 'scalar':
      return coerceScalar(node.types, text);
    case 'list':
      return node.element.kind === 'scalar' ? coerceList(node.element, text) : parseJson(text);
    case 'object':
    case 'map':
    case 'other':
      return parseJson(text);
  }
}

/** Is told of what was found at paths inside a value. */
export interface Report {
  problem(path: readonly (string | number)[], text: string): void;
  /** A secret was read from a file. */
  secret(path: readonly (string | number)[], file: string): void;
}

/**
 * The value with every `<secret>File` in it replaced by the secret, at any depth. Values of the wrong kind
 * pass as they are: saying what was wanted is the schema's part.
 */
export function expandSecretFiles(
  node: ConfigNode | undefined,
  value: unknown,
  path: readonly (string | number)[],
  report: Report,
): unknown {
  if (node?.kind === 'list' && Array.isArray(value)) {
    return value.map((item, index) => expandSecretFiles(node.element, item, [...path, index], report));
  }
  if (!isPlainObject(value)) return value;
  if (node?.kind === 'object') return expandObject(node, value, path, report);
  if (node?.kind !== 'map') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      expandSecretFiles(node.value, item, [...path, key], report),
    ]),
  );
}

/** Whether a value is a map, as YAML and JSON have them. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function expandObject(
  node: ConfigObject,
  value: Record<string, unknown>,
  path: readonly (string | number)[],
  report: Report,
): unknown {
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const name = secretOf(node, key);
    if (name === undefined) {
      entries.push([key, expandSecretFiles(node.children.get(key), item, [...path, key], report)]);
    } else if (Object.hasOwn(value, name)) {
      report.problem([...path, key], `the secret is given twice, as ${name} too`);
    } else {
      const file = readSecretFile(item);
      if (!file.ok) {
        report.problem([...path, key], file.why);
        continue;
      }
      entries.push([name, file.text]);
      report.secret([...path, name], String(item));
    }
  }
  return Object.fromEntries(entries);
}

/** The secret whose file a key names, if it does. */
export function secretOf(node: ConfigObject, key: string): string | undefined {
  if (node.children.has(key) || !key.endsWith('File')) return undefined;
  const name = key.slice(0, -'File'.length);
  return isSecret(node.children.get(name)) ? name : undefined;
}

function coerceScalar(types: ReadonlySet<string>, text: string): Coerced {
  if (types.has('number') && NUMBER.test(text)) return { ok: true, value: Number(text) };
  if (types.has('boolean') && (text === 'true' || text === 'false')) {
    return { ok: true, value: text === 'true' };
  }
  if ([...types].some((type) => type !== 'number' && type !== 'boolean')) return { ok: true, value: text };
  const wanted = [...types].map((type) => (type === 'number' ? 'a number' : 'true or false'));
  return { ok: false, why: `expected ${wanted.join(' or ')}` };
}

function coerceList(element: ConfigNode, text: string): Coerced {
  if (text.trim() === '') return { ok: true, value: [] };
  const values: unknown[] = [];
  for (const [index, part] of text.split(',').entries()) {
    const item = coerceText(element, part.trim());
    if (!item.ok) return { ok: false, why: `item ${index + 1} of the list: ${item.why}` };
    values.push(item.value);
  }
  return { ok: true, value: values };
}

function parseJson(text: string): Coerced {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, why: 'expected JSON' };
  }
}
