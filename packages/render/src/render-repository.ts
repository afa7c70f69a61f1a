import type { Subject } from '@leastwise/audit-event';
import type { RbacObject } from '@leastwise/rbac';

import { clusterFolder, namespaceFolder, subjectFolder } from './folders.ts';
import { YAML_NOTICE } from './generated.ts';
import { InvariantError } from './invariant-error.ts';
import { renderManifest, renderYaml } from './render-yaml.ts';
import { compare, subjectName } from './subject-name.ts';

/** What one subject is to be granted in one cluster. */
export interface SubjectPolicy {
  readonly subject: Subject;
  readonly objects: readonly RbacObject[];
  /**
   * Lines of plain text for the head of the file of one namespace (`''`: of the cluster), such as what is withheld
   * there. Without counts and dates: they would change the files though no permission changed.
   */
  readonly notes: (namespace: string) => readonly string[];
}

/** The policies of one cluster. */
export interface ClusterPolicies {
  readonly cluster: string;
  readonly policies: readonly SubjectPolicy[];
}

/**
 * Lays policies out as the files of a GitOps repository:
 * `clusters/<cluster>/namespaces/<namespace>/<subject>/rbac.yaml` for what is namespaced,
 * `clusters/<cluster>/cluster/<subject>/rbac.yaml` for what is not, and at each level below `clusters/<cluster>` a
 * `kustomization.yaml`, so that any of these folders can be applied. Where nothing is granted there is no file
 * and no folder: kustomize refuses an empty kustomization.
 * @remarks Pure; the order of clusters, policies and objects makes no difference.
 * @throws InvariantError if two objects of a cluster have the same kind, namespace and name, if a namespaced
 *   object has no namespace, or if a cluster or subject comes twice.
 */
export function renderRepository(clusters: readonly ClusterPolicies[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { cluster, policies } of clusters) {
    refuseDuplicates(cluster, policies);
    const root = `clusters/${clusterFolder(cluster)}`;
    const manifests = policies.flatMap((policy) => manifestsOf(root, policy));
    for (const [path, content] of [...manifests, ...kustomizationsOf(root, manifests)]) {
      if (files.has(path)) throw new InvariantError(`two contents for ${JSON.stringify(path)}`);
      files.set(path, content);
    }
  }
  return new Map([...files].sort(([a], [b]) => compare(a, b)));
}

type File = readonly [path: string, content: string];

/** In the order of a file: a role before what binds it. */
const KINDS = ['ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding'] as const;

function manifestsOf(root: string, { subject, objects, notes }: SubjectPolicy): File[] {
  const byFolder = new Map<string, RbacObject[]>();
  for (const object of objects) {
    const folder = `${root}/${scopeFolder(object)}/${subjectFolder(subject)}`;
    const list = byFolder.get(folder);
    if (list === undefined) byFolder.set(folder, [object]);
    else list.push(object);
  }
  return [...byFolder].map(([folder, list]) => {
    const header = [`Subject: ${subjectName(subject)}`, ...notes(list[0]?.metadata.namespace ?? '')];
    list.sort(
      (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || compare(a.metadata.name, b.metadata.name),
    );
    return [`${folder}/rbac.yaml`, `${YAML_NOTICE}\n${renderYaml(list, { comments: { header } })}`];
  });
}

function scopeFolder({ kind, metadata }: RbacObject): string {
  switch (kind) {
    case 'ClusterRole':
    case 'ClusterRoleBinding':
      return 'cluster';
    case 'Role':
    case 'RoleBinding':
      if (metadata.namespace === undefined || metadata.namespace === '') {
        throw new InvariantError(`${kind} ${JSON.stringify(metadata.name)} has no namespace`);
      }
      return `namespaces/${namespaceFolder(metadata.namespace)}`;
  }
}

/** One kustomization in each folder from the cluster's down, listing what stands directly in it. */
function kustomizationsOf(root: string, manifests: readonly File[]): File[] {
  const entries = new Map<string, Set<string>>();
  for (const [path] of manifests) {
    for (let at = path; at !== root; at = at.slice(0, at.lastIndexOf('/'))) {
      const slash = at.lastIndexOf('/');
      const folder = at.slice(0, slash);
      const listed = entries.get(folder) ?? new Set();
      entries.set(folder, listed.add(at.slice(slash + 1)));
    }
  }
  return [...entries].map(([folder, listed]) => [`${folder}/kustomization.yaml`, kustomization(listed)]);
}

/** @see https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/resource/ */
export function kustomization(resources: ReadonlySet<string>): string {
  const manifest = renderManifest({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...resources].sort(),
  });
  return `${YAML_NOTICE}\n${manifest}`;
}

function refuseDuplicates(cluster: string, policies: readonly SubjectPolicy[]): void {
  const seen = new Set<string>();
  for (const { kind, metadata } of policies.flatMap(({ objects }) => objects)) {
    const key = JSON.stringify([kind, metadata.namespace ?? '', metadata.name]);
    if (seen.has(key)) throw new InvariantError(`two objects ${key} in cluster ${JSON.stringify(cluster)}`);
    seen.add(key);
  }
}
