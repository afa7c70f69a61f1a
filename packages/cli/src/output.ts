import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openDirectoryForge } from '@leastwise/forge';
import { type Files, planChanges } from '@leastwise/publish';
import {
  clusterFolder,
  escapeTerminal,
  isMarkedGenerated,
  renderFolder,
  renderJson,
  renderYaml,
} from '@leastwise/render';
import { usernameOf } from '@leastwise/audit-event';

import { CliError } from './exit.ts';
import { policyNotes } from './notes.ts';
import type { InferredPolicy } from './policies.ts';
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

/** The YAML files directly in some folders below a root: no deeper, for the root may be anybody's. */
async function readOurs(root: string, folders: readonly string[]): Promise<Files> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || !entry.name.endsWith('.yaml')) continue;
      files.set(
        folder === '' ? entry.name : `${folder}/${entry.name}`,
        await readFile(join(root, folder, entry.name), 'utf8'),
      );
    }
  }
  return files;
}

/**
 * Writes a file for each subject and a kustomization into a folder. With `isAll`, files of earlier runs
 * that are not wanted any more go; without, the files of other subjects stay, and stay listed.
 */
export async function writeFolder(
  folder: string,
  inferred: readonly InferredPolicy[],
  { isWhy, isAll }: { readonly isWhy: boolean; readonly isAll: boolean },
): Promise<void> {
  const rendered = inferred.filter(({ policy }) => policy.objects.length > 0);
  const clusters = [...new Set(rendered.map(({ policy }) => policy.cluster))];
  const isMany = clusters.length > 1;
  const existing = await readOurs(folder, isMany ? clusters.map(clusterFolder) : ['']);
  const kept = isAll ? new Map<string, string>() : ownPolicies(existing);
  const files = new Map(kept);
  for (const cluster of clusters) {
    const prefix = isMany ? `${clusterFolder(cluster)}/` : '';
    const own = rendered.filter(({ policy }) => policy.cluster === cluster).map(({ policy }) => policy);
    const rule = isWhy ? { rule: whyComments(own) } : {};
    const policies = own.map((policy) => ({
      subject: policy.subject,
      objects: policy.objects,
      notes: policyNotes(policy),
    }));
    const others = [...kept.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
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

function ownPolicies(existing: Files): Map<string, string> {
  return new Map(
    [...existing].filter(
      ([path, content]) => !path.endsWith('kustomization.yaml') && isMarkedGenerated(content),
    ),
  );
}
