import { Document, isScalar, Pair, YAMLMap } from 'yaml';
import * as z from 'zod';

import { rootOf } from './config.ts';
import type { Origins } from './config.ts';
import { isSecret } from './config-keys.ts';
import { configTree } from './config-tree.ts';
import type { ConfigNode, ConfigObject } from './config-tree.ts';
import { isPlainObject } from './config-value.ts';
import { HIDDEN, Secret } from './secret.ts';
import { hideCredentials } from './text.ts';
import { specialType } from './config-types.ts';
import { formatDuration, formatSize } from './units.ts';

/**
 * A configuration as YAML that reads back as the same, but for secrets and the
 * credentials in URLs, which are hidden; after each value a comment says where it was written. Keys without a value are left out.
 * @param value - as {@link loadConfig} gave it.
 */
export function printConfig<S extends z.ZodObject>(schema: S, value: z.output<S>, origins: Origins): string {
  const document = new Document();
  document.contents = printObject(document, rootOf(schema), { value, path: [], origins });
  return document.toString({ lineWidth: 0 });
}

/**
 * The JSON Schema of a service's configuration file, for editors. No key outside of lists and maps is
 * required, as the environment may give it.
 */
export function configJsonSchema(schema: z.ZodObject): Record<string, unknown> {
  const roots = objectsOf(schema);
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      addDefault(zodSchema, jsonSchema);
      if (zodSchema._zod.def.type === 'object') addFiles(zodSchema, jsonSchema, roots.has(zodSchema));
    },
  });
  return Object.fromEntries(Object.entries(json));
}

interface Printing {
  readonly value: unknown;
  readonly path: readonly string[];
  readonly origins: Origins;
}

function printObject(document: Document, node: ConfigObject, printing: Printing): YAMLMap {
  const map = new YAMLMap();
  if (!isPlainObject(printing.value)) return map;
  for (const [name, child] of node.children) {
    const value = printing.value[name];
    if (value === undefined) continue;
    const path = [...printing.path, name];
    const key = document.createNode(name);
    if (child.kind === 'object' && isPlainObject(value)) {
      map.items.push(new Pair(key, printObject(document, child, { ...printing, value, path })));
      continue;
    }
    const content = document.createNode(printValue(child, value));
    const comment = ` ${printing.origins.get(path.join('.')) ?? 'default'}`;
    if (isScalar(content)) content.comment = comment;
    else key.commentBefore = comment;
    map.items.push(new Pair(key, content));
  }
  return map;
}

function printValue(node: ConfigNode | undefined, value: unknown): unknown {
  if (value instanceof Secret || isSecret(node)) return HIDDEN;
  if (Array.isArray(value)) {
    const element = node?.kind === 'list' ? node.element : undefined;
    return value.map((item) => printValue(element, item));
  }
  if (isPlainObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, printValue(childOf(node, key), item)]),
    );
  }
  if (typeof value === 'number' && node?.kind === 'scalar') {
    if (node.types.has('duration')) return formatDuration(value);
    if (node.types.has('size')) return formatSize(value);
  }
  return typeof value === 'string' ? hideCredentials(value) : value;
}

function childOf(node: ConfigNode | undefined, key: string): ConfigNode | undefined {
  if (node?.kind === 'object') return node.children.get(key);
  return node?.kind === 'map' ? node.value : undefined;
}

/** The objects that are reached from the root through objects alone. */
function objectsOf(schema: z.core.$ZodType): Set<z.core.$ZodType> {
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  switch (definition.type) {
    case 'object':
      return new Set([schema, ...Object.values(definition.shape).flatMap((child) => [...objectsOf(child)])]);
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return objectsOf(definition.innerType);
    case 'union':
      return new Set(definition.options.flatMap((option) => [...objectsOf(option)]));
    default:
      return new Set();
  }
}

function addDefault(schema: z.core.$ZodType, json: z.core.JSONSchema.BaseSchema): void {
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  if (definition.type !== 'default' || typeof definition.defaultValue !== 'number') return;
  const type = specialType(definition.innerType);
  if (type === 'duration') json.default = formatDuration(definition.defaultValue);
  if (type === 'size') json.default = formatSize(definition.defaultValue);
}

function addFiles(schema: z.core.$ZodType, json: z.core.JSONSchema.BaseSchema, isRoot: boolean): void {
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  if (definition.type !== 'object') return;
  const secrets = Object.keys(definition.shape).filter((key) => isSecretKey(definition.shape[key]));
  for (const key of secrets) {
    json.properties = {
      ...json.properties,
      [`${key}File`]: { type: 'string', description: `Path of a file that holds ${key}.` },
    };
  }
  const required = json.required?.filter((key) => !isRoot && !secrets.includes(key)) ?? [];
  if (required.length > 0) json.required = required;
  else delete json.required;
}

function isSecretKey(schema: z.core.$ZodType | undefined): boolean {
  return schema !== undefined && isSecret(configTree(schema));
}
