import { parseAllDocuments } from 'yaml';

import type { Cell } from '@leastwise/rbac';

interface Rule {
  readonly verbs: string[];
  readonly apiGroups?: string[];
  readonly resources?: string[];
  readonly resourceNames?: string[];
  readonly nonResourceURLs?: string[];
}

/** An object of `leastwise generate`, as YAML has it. */
export interface RbacManifest {
  readonly apiVersion: string;
  readonly kind: 'Role' | 'ClusterRole' | 'RoleBinding' | 'ClusterRoleBinding';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: Rule[];
  readonly roleRef?: { readonly apiGroup?: string; readonly kind: string; readonly name: string };
  readonly subjects?: {
    readonly apiGroup?: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

/** What was generated: the objects, and what the comments say to whom. */
export interface Rendered {
  readonly objects: readonly RbacManifest[];
  /** Lines of the comments above a subject's objects, by username. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

/** Reads the YAML of `leastwise generate --all`. */
export function readRendered(text: string): Rendered {
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as RbacManifest | null)
    .filter((each) => each !== null);
  const notes = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n')) {
    const subject = /^# Subject: (.*)$/.exec(line)?.[1];
    if (subject !== undefined) notes.set(subject, (current = []));
    else if (line.startsWith('# ')) current.push(line.slice(2));
  }
  return { objects, notes };
}

function cellsOf(rule: Rule, namespace: string): Cell[] {
  const cells: Cell[] = [];
  for (const verb of rule.verbs) {
    for (const path of rule.nonResourceURLs ?? []) {
      cells.push({ verb, apiGroup: '', resource: '', namespace: '', name: '', path });
    }
    for (const apiGroup of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        for (const name of rule.resourceNames ?? ['']) {
          cells.push({ verb, apiGroup, resource, namespace, name, path: '' });
        }
      }
    }
  }
  return cells;
}

/** Every cell that the rendered rules expand to, by username; a cell granted twice is in it twice. */
export function renderedCells(objects: readonly RbacManifest[]): Map<string, Cell[]> {
  const byUser = new Map<string, Cell[]>();
  for (const binding of objects) {
    const { roleRef } = binding;
    if (!roleRef) continue;
    const namespace = binding.metadata.namespace ?? '';
    const role = objects.find(
      ({ kind, metadata }) =>
        kind === roleRef.kind &&
        metadata.name === roleRef.name &&
        (kind === 'ClusterRole' || metadata.namespace === namespace),
    );
    if (!role) throw new Error(`${binding.metadata.name} binds ${roleRef.name}, which was not rendered`);
    const cells = (role.rules ?? []).flatMap((rule) => cellsOf(rule, namespace));
    for (const subject of binding.subjects ?? []) {
      const isAccount = subject.kind === 'ServiceAccount';
      const username = isAccount
        ? `system:serviceaccount:${subject.namespace ?? ''}:${subject.name}`
        : subject.name;
      byUser.set(username, [...(byUser.get(username) ?? []), ...cells]);
    }
  }
  return byUser;
}
