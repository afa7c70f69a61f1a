import { homedir } from 'node:os';
import { join } from 'node:path';

import type { AuditedObject, AuditedServiceAccount } from '@leastwise/findings';
import {
  type Cluster,
  KubeError,
  listObjects,
  openCluster,
  RBAC_PATHS,
  type RbacKind,
  REAL_WAITING,
  toRbacObject,
  toServiceAccount,
} from '@leastwise/kube';

import { CliError } from './exit.ts';

/** Which cluster is read. */
export interface LiveFlags {
  /** A kubeconfig; where kubectl looks without it. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The RBAC of a cluster at one moment, kind by kind. */
export interface LiveRbac {
  readonly objects: readonly AuditedObject[];
  readonly serviceAccounts: readonly AuditedServiceAccount[];
  readonly namespaces: readonly string[];
}

/** Where kubectl looks: the first file of `KUBECONFIG`, else the one in the home folder. */
export function usualKubeconfig(env: NodeJS.ProcessEnv): string {
  const [first = ''] = (env['KUBECONFIG'] ?? '').split(':');
  return first === '' ? join(homedir(), '.kube', 'config') : first;
}

async function readAll(cluster: Cluster): Promise<LiveRbac> {
  const list = async (path: string) => [
    ...(await listObjects(cluster, { path }, { waiting: REAL_WAITING })).objects.values(),
  ];
  const objects: AuditedObject[] = [];
  for (const kind of Object.keys(RBAC_PATHS) as RbacKind[]) {
    for (const { value, uid } of await list(RBAC_PATHS[kind])) {
      objects.push({ object: toRbacObject(kind, value), uid });
    }
  }
  const serviceAccounts = (await list('/api/v1/serviceaccounts')).map(toServiceAccount);
  const namespaces = (await list('/api/v1/namespaces')).map(({ name }) => name);
  return { objects, serviceAccounts, namespaces };
}

/**
 * Reads the RBAC of a cluster, with its service accounts and namespaces. It takes `list` on all of them.
 * @throws CliError where it cannot be read
 */
export async function readLiveRbac(
  flags: LiveFlags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<LiveRbac> {
  try {
    const cluster = await openCluster({
      kubeconfigFile: flags.kubeconfig ?? usualKubeconfig(env),
      context: flags.context,
    });
    try {
      return await readAll(cluster);
    } finally {
      cluster.close();
    }
  } catch (error) {
    if (error instanceof KubeError) throw new CliError(error.message);
    throw error;
  }
}
