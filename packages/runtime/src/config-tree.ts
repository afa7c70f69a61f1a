import type * as z from 'zod';

import { specialType } from './config-types.ts';
import type { SpecialType } from './config-types.ts';

/** What a text given by the environment or a flag may stand for. */
export type ScalarType = 'string' | 'number' | 'boolean' | SpecialType;

/** The shape of a configuration, as far as reading and printing need it. */
export type ConfigNode =
  | ConfigObject
  | { readonly kind: 'list'; readonly element: ConfigNode }
  | { readonly kind: 'map'; readonly value: ConfigNode }
  | { readonly kind: 'scalar'; readonly types: ReadonlySet<ScalarType> }
  | { readonly kind: 'other' };

/** A map with known keys. */
export interface ConfigObject {
  readonly kind: 'object';
  /** Whether it stands for an empty map when nobody gives it, so that the defaults inside apply. */
  readonly isAlwaysThere: boolean;
  readonly children: ReadonlyMap<string, ConfigNode>;
}

type Definition = z.core.$ZodTypes['_zod']['def'];

/** Reads the shape off a zod schema. Of a union of objects the keys of all its options are known. */
export function configTree(schema: z.core.$ZodType): ConfigNode {
  const type = specialType(schema);
  if (type !== undefined) return scalar(type);
  const definition = (schema as z.core.$ZodTypes)._zod.def;
  switch (definition.type) {
    case 'object':
      return {
        kind: 'object',
        isAlwaysThere: true,
        children: new Map(Object.entries(definition.shape).map(([key, child]) => [key, configTree(child)])),
      };
    case 'union':
      return unionNode(definition.options.map(configTree));
    case 'array':
      return { kind: 'list', element: configTree(definition.element) };
    case 'record':
      return { kind: 'map', value: configTree(definition.valueType) };
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return notAlwaysThere(configTree(definition.innerType));
    case 'readonly':
    case 'nonoptional':
    case 'catch':
      return configTree(definition.innerType);
    case 'pipe':
      return configTree(definition.in);
    default:
      return scalarNode(definition);
  }
}

function scalarNode(definition: Definition): ConfigNode {
  switch (definition.type) {
    case 'number':
      return scalar('number');
    case 'boolean':
      return scalar('boolean');
    case 'string':
    case 'enum':
    case 'template_literal':
      return scalar('string');
    case 'literal':
      return {
        kind: 'scalar',
        types: new Set(definition.values.map((value) => literalType(value))),
      };
    default:
      return { kind: 'other' };
  }
}

function literalType(value: unknown): ScalarType {
  return typeof value === 'number' || typeof value === 'boolean'
    ? (typeof value as 'number' | 'boolean')
    : 'string';
}

function scalar(type: ScalarType): ConfigNode {
  return { kind: 'scalar', types: new Set([type]) };
}

function unionNode(options: readonly ConfigNode[]): ConfigNode {
  const objects = options.filter((option) => option.kind === 'object');
  if (objects.length === options.length) return mergeObjects(objects);
  const scalars = options.filter((option) => option.kind === 'scalar');
  if (scalars.length !== options.length) return { kind: 'other' };
  return { kind: 'scalar', types: new Set(scalars.flatMap((option) => [...option.types])) };
}

function mergeObjects(objects: readonly ConfigObject[]): ConfigNode {
  const children = new Map<string, ConfigNode>();
  for (const [key, child] of objects.flatMap((object) => [...object.children])) {
    const known = children.get(key);
    children.set(key, known === undefined ? child : unionNode([known, child]));
  }
  return { kind: 'object', isAlwaysThere: false, children };
}

function notAlwaysThere(node: ConfigNode): ConfigNode {
  return node.kind === 'object' ? { ...node, isAlwaysThere: false } : node;
}
