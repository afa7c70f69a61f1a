import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { leastwise } from '../../integration/support/leastwise.ts';
import { KUBERNETES_VERSION } from '../support/binaries.ts';
import { type KubeObject, listAt } from './api.ts';
import { rightsIn } from './rights.ts';

/**
 * The knobs for controllers, with what each is for. A controller acts wherever and on whatever people make: the names and
 * namespaces of a recording are those of its drive and say nothing of the next one. Verbs, groups and resources stay as observed.
 */
export const KNOBS: readonly (readonly [flag: string, value: string, why: string])[] = [
  ['--scope-mode', 'ClusterScopeAllowed', 'controllers work in namespaces that do not exist yet'],
  ['--resource-names', 'Omit', 'names of pods, replica sets and jobs are other ones each time'],
  ['--special-verbs', 'Grant', 'what was observed was needed, whatever its verb'],
];

/** The policy of one controller, as `generate` wrote it. */
export interface Policy {
  readonly user: string;
  readonly objects: readonly KubeObject[];
  /** The comments before the objects. */
  readonly notes: string;
}

function isObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'kind' in value && 'metadata' in value;
}

async function readPolicy(file: string): Promise<Policy | undefined> {
  const text = await readFile(file, 'utf8');
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter(isObject);
  const [user] = [...rightsIn(objects).keys()];
  const lines = text.split('\n').filter((line) => line.startsWith('#'));
  return user === undefined ? undefined : { user, objects, notes: lines.join('\n') };
}

/** Flags of `generate`, as they are typed. */
export type Knobs = readonly string[];

/** The knobs for controllers as flags. */
export const CHOSEN: Knobs = KNOBS.flatMap(([flag, value]) => [flag, value]);

const VERSION: Knobs = ['--kubernetes-version', KUBERNETES_VERSION];

/**
 * Writes the policies of everybody in a log to a folder.
 * @returns what `generate` says of it
 * @throws Error where it does not end well
 */
export async function generatePolicies(auditLog: string, folder: string, knobs: Knobs): Promise<string> {
  const to = ['-o', `dir=${folder}`];
  const outcome = await leastwise(['generate', '-f', auditLog, '--all', ...VERSION, ...knobs, ...to]);
  if (outcome.code !== 0) throw new Error(`exit ${String(outcome.code)}: ${outcome.stderr}`);
  return outcome.stderr;
}

/** How many permissions that a log's controllers were allowed would be refused under policies, by `verify`. */
export async function countRefused(auditLog: string, folder: string): Promise<number> {
  const only = ['--filter', 'allow user=system:*', '--filter-default', 'deny'];
  const outcome = await leastwise([
    'verify',
    '-f',
    auditLog,
    '--rbac',
    folder,
    ...VERSION,
    ...only,
    '-o',
    'json',
  ]);
  if (outcome.code > 1) throw new Error(`exit ${String(outcome.code)}: ${outcome.stderr}`);
  return listAt(JSON.parse(outcome.stdout), 'refused').length;
}

/** The policies of controllers in a folder; others are passed over. */
export async function readPolicies(folder: string): Promise<readonly Policy[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  const policies = await Promise.all(files.map((name) => readPolicy(join(folder, name))));
  return policies.filter((policy) => policy !== undefined);
}
