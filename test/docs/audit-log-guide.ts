import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

import { blocksOf } from './markdown.ts';
import { ROOT } from './shell.ts';

/** The page about getting audit logs, from the project's root. */
export const GUIDE = 'docs/audit-logs.md';

/** A host's folder that kubeadm mounts into the API server. */
export interface ExtraVolume {
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

type Snippet = Readonly<{ text: string }>;

interface ApiServer {
  readonly extraArgs:
    Readonly<Record<string, string>> | readonly { readonly name: string; readonly value: string }[];
  readonly extraVolumes: readonly ExtraVolume[];
}

function apiServersOf(snippets: readonly Snippet[]): ApiServer[] {
  return snippets
    .flatMap(({ text }) => parseAllDocuments(text))
    .map((document) => document.toJS() as { kind?: unknown; apiServer: ApiServer } | null)
    .flatMap((each) => (each?.kind === 'ClusterConfiguration' ? [each.apiServer] : []));
}

/** The arguments that each kubeadm configuration gives to the API server, whether in a list or in a map. */
export function extraArgsOf(snippets: readonly Snippet[]): Record<string, string>[] {
  return apiServersOf(snippets).map(({ extraArgs }) =>
    isList(extraArgs)
      ? Object.fromEntries(extraArgs.map(({ name, value }) => [name, value]))
      : { ...extraArgs },
  );
}

function isList(args: ApiServer['extraArgs']): args is Extract<ApiServer['extraArgs'], readonly unknown[]> {
  return Array.isArray(args);
}

/** The folders that each kubeadm configuration mounts. */
export function extraVolumesOf(snippets: readonly Snippet[]): (readonly ExtraVolume[])[] {
  return apiServersOf(snippets).map(({ extraVolumes }) => extraVolumes);
}

/** Every flag of kube-apiserver that the guide names, in prose, in k3s's and in kubeadm's way, without dashes. */
export function flagsOfGuide(): string[] {
  const text = readFileSync(join(ROOT, GUIDE), 'utf8');
  const snippets = blocksOf(text)
    .filter(({ language }) => language === 'yaml')
    .map(({ lines }) => ({ text: lines.join('\n') }));
  const inK3s = snippets.flatMap((each) =>
    [...each.text.matchAll(/^\s*- (audit-[a-z-]+)=/gm)].map(([, name = '']) => name),
  );
  const inProse = [...text.matchAll(/`--(audit-(?:log|webhook|policy)-[a-z-]*[a-z])`/g)].map(
    ([, name = '']) => name,
  );
  return [
    ...new Set([...inProse, ...inK3s, ...extraArgsOf(snippets).flatMap((each) => Object.keys(each))]),
  ].sort();
}
