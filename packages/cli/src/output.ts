import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDirectoryForge } from '@leastwise/forge';
import {
  type Files,
  type InferredPolicies,
  type InferredPolicy,
  planChanges,
  policyNotes,
} from '@leastwise/publish';
import {
  clusterFolder,
  escapeTerminal,
  isMarkedGenerated,
  renderFolder,
  renderJson,
  renderYaml,
  subjectFolder,
} from '@leastwise/render';
import { usernameOf } from '@leastwise/audit-event';

import { CliError, hasCode, messageOf } from './exit.ts';
import { whyComments } from './why.ts';

/** A line as a terminal may show it: nothing in it moves the cursor or changes colours. */
export function printable(text: string): string {
  return escapeTerminal(text);
}

const STEERING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON in which nothing steers a terminal: what JSON itself lets stand is spelled as an escape, which means the same. */
export function safeJson(json: string): string {
  return json.replace(STEERING, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function nameOf({ policy }: InferredPolicy): string {
  return policy.subject.kind === 'Group' ? `group ${policy.subject.name}` : usernameOf(policy.subject);
}

function headOf(inferred: InferredPolicy, isManyClusters: boolean): string[] {
  const where = isManyClusters ? ` in cluster ${inferred.policy.cluster}` : '';
  return [`Subject: ${nameOf(inferred)}${where}`, ...policyNotes(inferred.policy)];
}

/** The policies as one stream: YAML documents, or a JSON list. */
export function writeStream(
  inferred: readonly InferredPolicy[],
  form: { readonly isWhy: boolean; readonly isJson: boolean },
): string {
  const rendered = inferred.filter(({ policy }) => policy.objects.length > 0);
  if (form.isJson) return safeJson(renderJson(rendered.flatMap(({ policy }) => policy.objects)));
  const isManyClusters = new Set(rendered.map(({ policy }) => policy.cluster)).size > 1;
  return rendered
    .map((each) => {
      const notes = headOf(each, isManyClusters);
      // One subject alone, and nothing to say about it: the bare objects, as audit2rbac prints them.
      const header = rendered.length > 1 || notes.length > 1 ? notes : [];
      const rule = form.isWhy ? { rule: whyComments([each.policy]) } : {};
      return renderYaml(each.policy.objects, { comments: { header, ...rule } });
    })
    .join('---\n');
}

/** What a subject's file or a kustomization of ours is called. */
const OWN_NAME = /^(?:kustomization|(?:serviceaccount|user|group)-.+)\.yaml$/;
/** What a cluster's folder may be called: see `clusterFolder`. */
const CLUSTER_FOLDER = /^[a-z0-9_~%-][a-z0-9._~%-]*$/;

/** What `read` finds; `undefined` where there is nothing. @throws CliError where that cannot be told */
async function ifThere<T>(path: string, read: (path: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await read(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new CliError(`cannot read ${path}, so nothing was written: ${messageOf(error)}`);
  }
}

async function entriesOf(folder: string) {
  return (await ifThere(folder, (path) => readdir(path, { withFileTypes: true }))) ?? [];
}

/** The files of one folder, by their paths from the root, whose names are as wanted. */
async function readFolder(root: string, folder: string, isWanted: (name: string) => boolean): Promise<Files> {
  const files = new Map<string, string>();
  for (const entry of await entriesOf(join(root, folder))) {
    if (!entry.isFile() || !isWanted(entry.name)) continue;
    const content = await ifThere(join(root, folder, entry.name), (path) => readFile(path, 'utf8'));
    if (content !== undefined) files.set(folder === '' ? entry.name : `${folder}/${entry.name}`, content);
  }
  return files;
}

/**
 * The YAML files directly in some folders below a root. With `isAll` also what an earlier run left in another
 * layout: directly in the root, and one level below it, what is called as ours. No deeper, for the root may be
 * anybody's.
 */
async function readOurs(root: string, folders: readonly string[], isAll: boolean): Promise<Files> {
  const files = new Map<string, string>();
  const add = async (folder: string, isWanted: (name: string) => boolean): Promise<void> => {
    for (const [path, content] of await readFolder(root, folder, isWanted)) files.set(path, content);
  };
  for (const folder of folders) await add(folder, (name) => name.endsWith('.yaml'));
  if (!isAll) return files;
  const isOwnName = (name: string): boolean => OWN_NAME.test(name);
  if (!folders.includes('')) await add('', isOwnName);
  for (const entry of await entriesOf(root)) {
    if (!entry.isDirectory() || folders.includes(entry.name) || !CLUSTER_FOLDER.test(entry.name)) continue;
    await add(entry.name, isOwnName);
  }
  return files;
}

/** A cluster's policies, and where they go: into the root where it is the only one. */
interface Layout {
  readonly prefix: string;
  readonly policies: readonly InferredPolicy[];
  /** Files of subjects whose policies are refused. */
  readonly held: ReadonlySet<string>;
}

function layoutsOf({ policies, refused }: InferredPolicies): Layout[] {
  const rendered = policies.filter(({ policy }) => policy.objects.length > 0);
  const clusters = new Set([...rendered, ...refused].map(({ policy }) => policy.cluster));
  return [...clusters].sort().map((cluster) => {
    const prefix = clusters.size > 1 ? `${clusterFolder(cluster)}/` : '';
    const ofCluster = ({ policy }: InferredPolicy): boolean => policy.cluster === cluster;
    const held = refused
      .filter(ofCluster)
      .map(({ policy }) => `${prefix}${subjectFolder(policy.subject)}.yaml`);
    return { prefix, policies: rendered.filter(ofCluster), held: new Set(held) };
  });
}

/** What of the existing files stays as it is, whatever the policies are. */
function keptFiles({ prefix, policies, held }: Layout, existing: Files, isAll: boolean): Map<string, string> {
  const own = [...existing].filter(
    ([path, content]) =>
      path.startsWith(prefix) && !path.slice(prefix.length).includes('/') && isMarkedGenerated(content),
  );
  // All that there is of this cluster was refused: then its kustomization, too, stays as it is.
  if (policies.length === 0) return new Map(own);
  return new Map(own.filter(([path]) => held.has(path) || (!isAll && !path.endsWith('kustomization.yaml'))));
}

/**
 * Writes a file for each subject and a kustomization into a folder. With `isAll`, files of earlier runs
 * that are not wanted any more go, also those of clusters that are there no more; without, the files of other
 * subjects stay, and stay listed. Files of subjects whose policies are refused stay in any case.
 * @throws CliError where what is there cannot be read, or a file that is not ours is in the way: nothing is written.
 */
export async function writeFolder(
  folder: string,
  inferred: InferredPolicies,
  { isWhy, isAll }: { readonly isWhy: boolean; readonly isAll: boolean },
): Promise<void> {
  const layouts = layoutsOf(inferred);
  if (layouts.length === 0 && !isAll) return;
  const folders = layouts.length > 1 ? layouts.map(({ prefix }) => prefix.slice(0, -1)) : [''];
  const existing = await readOurs(folder, folders, isAll);
  const files = new Map<string, string>();
  for (const layout of layouts) {
    const { prefix } = layout;
    const kept = keptFiles(layout, existing, isAll);
    for (const [path, content] of kept) files.set(path, content);
    const own = layout.policies.map(({ policy }) => policy);
    const rule = isWhy ? { rule: whyComments(own) } : {};
    const policies = own.map((policy) => ({
      subject: policy.subject,
      objects: policy.objects,
      notes: policyNotes(policy),
    }));
    const others = [...kept.keys()].map((path) => path.slice(prefix.length));
    for (const [path, content] of renderFolder(policies, rule, others)) files.set(prefix + path, content);
  }
  const forge = await openDirectoryForge(folder);
  const plan = planChanges(files, existing, (_, content) => isMarkedGenerated(content));
  if (plan.foreign.length > 0) {
    throw new CliError(
      `not written by leastwise, and in the way: ${plan.foreign.map((path) => join(folder, path)).join(', ')}`,
    );
  }
  await forge.apply(plan, 'leastwise generate');
}
