import type * as z from 'zod';

import { readConfigFile } from './config-file.ts';
import type { FileLayer } from './config-file.ts';
import { describeIssue } from './config-issues.ts';
import type { Finding } from './config-issues.ts';
import { configKeys, isSecret, variableName } from './config-keys.ts';
import type { Layer } from './config-keys.ts';
import { merge, valueAt } from './config-merge.ts';
import type { Merged } from './config-merge.ts';
import { configVariable, readEnvironment, readFlags } from './config-text.ts';
import type { Environment } from './config-text.ts';
import { configTree } from './config-tree.ts';
import type { ConfigObject } from './config-tree.ts';
import { HIDDEN, Secret } from './secret.ts';
import { escapeHidden } from './text.ts';

/** Exit code for a bad configuration (EX_CONFIG of sysexits.h): starting again will not help. */
export const EXIT_CONFIG = 78;

/** Where a service's configuration comes from. */
export interface ConfigSources<S extends z.ZodObject> {
  /** In kebab-case; part of the names of the variables: `aggregator` gives `LEASTWISE_AGGREGATOR_…`. */
  readonly service: string;
  /** A `z.strictObject`. Nested ones need no default of their own: they are there when nobody gives them. */
  readonly schema: S;
  /** The process's own unless given. */
  readonly env?: Environment;
  /** The arguments after the program's name; the process's own unless given. */
  readonly argv?: readonly string[];
}

/** By dotted key, where its value was written. A key that is not here has its default, or none. */
export type Origins = ReadonlyMap<string, string>;

/** A whole configuration, or everything that is wrong with it: one problem an item, without a newline. */
export type LoadedConfig<T> =
  | { readonly ok: true; readonly value: T; readonly origins: Origins }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads a configuration. Defaults, YAML file, `LEASTWISE_<SERVICE>_<KEY_PATH>`, `--key.path=value`: each wins over those before.
 * The file is named by `--config` or `LEASTWISE_<SERVICE>_CONFIG`; paths are relative to the working directory.
 * The environment and flags give lists of plain values separated by commas, and what is nested deeper as JSON.
 * Keys that nobody knows and values that do not parse are problems, in a layer that another one hides too.
 * No problem's text holds a value. A secret of a file is read anew whenever it is revealed.
 * @throws Error if the schema is at fault: two keys with one name, or a key `config`.
 */
export function loadConfig<S extends z.ZodObject>(sources: ConfigSources<S>): LoadedConfig<z.output<S>> {
  const { service, schema, env = process.env, argv = process.argv.slice(2) } = sources;
  const tree = rootOf(schema);
  const keys = configKeys(tree);
  const flags = readFlags(keys, argv);
  const environment = readEnvironment(service, keys, env);
  const path = flags.configPath ?? env[configVariable(service)];
  const file = path === undefined ? undefined : readConfigFile(path, tree);
  const layers: Layer[] = [...(file === undefined ? [] : [file]), environment, flags];
  const merged = merge(tree, layers);
  const checked = schema.safeParse(merged.value);
  const problems = layers.flatMap((layer) => layer.problems);
  if (checked.success && problems.length === 0) {
    for (const { path, file } of merged.files) {
      const secret = valueAt(checked.data, path);
      if (secret instanceof Secret) secret.follow(file);
    }
    return { ok: true, value: checked.data, origins: merged.origins };
  }
  const found = (checked.error?.issues ?? []).flatMap(describeIssue);
  problems.push(...schemaProblems(found, { service, layers, merged, file }));
  const secrets = keys.filter((key) => isSecret(key.node)).map((key) => valueAt(merged.value, key.path));
  return { ok: false, problems: problems.map((problem) => printable(problem, secrets)) };
}

/**
 * The shape of a service's schema.
 * @throws Error if the schema is no object.
 */
export function rootOf(schema: z.ZodObject): ConfigObject {
  const tree = configTree(schema);
  if (tree.kind !== 'object') throw new Error('the schema of a configuration is an object');
  return tree;
}

interface Reading {
  readonly service: string;
  readonly layers: readonly Layer[];
  readonly merged: Merged;
  readonly file: FileLayer | undefined;
}

function schemaProblems(findings: readonly Finding[], reading: Reading): string[] {
  const { service, layers, merged, file } = reading;
  const broken = layers.flatMap((layer) => layer.broken.map((at) => at.join('.')));
  const problems: string[] = [];
  for (const { path, text } of findings) {
    const name = path.join('.');
    const isMissing = valueAt(merged.value, path) === undefined;
    // What has been told of as broken is not missing as well, nor what stands in a file that could not be read.
    if (broken.some((at) => name === at || name.startsWith(`${at}.`))) continue;
    if (isMissing && file?.isUnreadable === true) continue;
    const place = placeOf(path, reading);
    if (isMissing && place === undefined) {
      const variable = variableName(service, { path: path.map(String), isFile: false });
      problems.push(`${name}: is missing; give it in the file, as ${variable} or as --${name}`);
    } else {
      problems.push(`${place === undefined ? '' : `${place}: `}${name}: ${isMissing ? 'is missing' : text}`);
    }
  }
  return problems;
}

/** Where the value at or around a path was written. */
function placeOf(path: readonly PropertyKey[], { merged, file }: Reading): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = merged.origins.get(path.slice(0, length).join('.'));
    if (origin === undefined) continue;
    // The origin is the line of the key; the line of what is wrong may be further down.
    return file?.locate(path.slice(0, length)) === origin ? file.locate(path) : origin;
  }
  return undefined;
}

/** On one line, and without any secret that a message of the schema's own may quote. */
function printable(problem: string, secrets: readonly unknown[]): string {
  let text = problem;
  for (const secret of secrets) {
    if (typeof secret === 'string' && secret.length > 3) text = text.replaceAll(secret, HIDDEN);
  }
  return escapeHidden(text.replaceAll(/[\u0000-\u001f]/g, ' '));
}
