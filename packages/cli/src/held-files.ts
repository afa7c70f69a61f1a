import type { Files, RefusedPolicy } from '@leastwise/publish';
import type { RbacObject } from '@leastwise/rbac';
import {
  clusterFolder,
  isGenerated,
  namespaceFolder,
  subjectFolder,
  type SubjectPolicy,
} from '@leastwise/render';

/** A file of an earlier run that stays, though its subject's policy is refused now. */
export interface HeldFile {
  readonly cluster: string;
  readonly path: string;
  readonly content: string;
  /** A policy that is laid out where the file stands, so that the kustomizations go on listing it. */
  readonly standIn: SubjectPolicy;
}

const MANIFEST = /^clusters\/([^/]+)\/(?:cluster|namespaces\/([^/]+))\/([^/]+)\/rbac\.yaml$/;

/**
 * What an earlier run published of subjects whose policies are refused now. It stays: else whoever can make a
 * subject that collides with another's name could take the other's rights away.
 */
export function findHeldFiles(existing: Files, refused: readonly RefusedPolicy[]): HeldFile[] {
  const owners = new Map<string, RefusedPolicy>();
  for (const each of refused) {
    owners.set(`${clusterFolder(each.cluster.cluster)}/${subjectFolder(each.policy.subject)}`, each);
  }
  const held: HeldFile[] = [];
  for (const [path, content] of existing) {
    const [, cluster, folder, subject] = MANIFEST.exec(path) ?? [];
    const owner = owners.get(`${cluster ?? ''}/${subject ?? ''}`);
    const namespace = folder === undefined ? undefined : namespaceOf(folder);
    if (owner === undefined || namespace === '' || !isGenerated(path, content)) continue;
    const standIn = {
      subject: owner.policy.subject,
      objects: [placeholder(path, namespace)],
      notes: () => [],
    };
    held.push({ cluster: owner.cluster.cluster, path, content, standIn });
  }
  return held;
}

/** The namespace of a folder; `''` where we make no folder of that name. */
function namespaceOf(folder: string): string {
  try {
    const namespace = decodeURIComponent(folder);
    return namespaceFolder(namespace) === folder ? namespace : '';
  } catch {
    return '';
  }
}

/** No object of a policy has a path for a name. */
function placeholder(name: string, namespace: string | undefined): RbacObject {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return namespace === undefined
    ? { apiVersion, kind: 'ClusterRole', metadata: { name }, rules: [] }
    : { apiVersion, kind: 'Role', metadata: { name, namespace }, rules: [] };
}
