import { KubeError, openCluster, type WatchableCluster } from '@leastwise/kube';

import type { AuditorConfig } from './config.ts';

/** A cluster that is audited. */
export interface AuditTarget {
  readonly name: string;
  /** @throws KubeError (`configuration`) */
  readonly open: () => Promise<WatchableCluster>;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** What the cluster is called in which the auditor runs, where nobody names it. */
const OWN_CLUSTER = 'default';

/** The clusters of a configuration: the one that this runs in where none is named. */
export function auditTargets({ clusters }: Pick<AuditorConfig, 'clusters'>): readonly AuditTarget[] {
  const named = Object.entries(clusters);
  const all = named.length > 0 ? named : [[OWN_CLUSTER, { inCluster: true }] as const];
  return all.map(([name, target]) => {
    const { kubeconfigFile, context } = target as { kubeconfigFile?: string; context?: string };
    const options = {
      timeoutMs: REQUEST_TIMEOUT_MS,
      ...(kubeconfigFile === undefined ? {} : { kubeconfigFile }),
      ...(context === undefined ? {} : { context }),
    };
    return { name, open: () => openCluster(options) };
  });
}

/** What is wrong with the clusters of a configuration. */
export async function targetProblems(config: Pick<AuditorConfig, 'clusters'>): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [name, { kubeconfigFile, context, inCluster }] of Object.entries(config.clusters)) {
    if ((kubeconfigFile === undefined) !== inCluster) {
      problems.push(`clusters.${name}: wants kubeconfigFile or inCluster, one of the two`);
    } else if (kubeconfigFile === undefined && context !== undefined) {
      problems.push(`clusters.${name}.context: is of a kubeconfig`);
    }
  }
  if (problems.length > 0) return problems;
  for (const { name, open } of auditTargets(config)) {
    try {
      (await open()).close();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      problems.push(`clusters.${name}: ${error.message}`);
    }
  }
  return problems;
}
