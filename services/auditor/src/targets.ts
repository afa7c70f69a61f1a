import {
  type ClusterSetting,
  clusterSettingProblem,
  openCluster,
  type WatchableCluster,
} from '@leastwise/kube';

import type { AuditorConfig } from './config.ts';

/** A cluster that is audited. */
export interface AuditTarget {
  readonly name: string;
  /** @throws KubeError (`configuration`) */
  readonly open: () => Promise<WatchableCluster>;
}

/** The cluster that the auditor runs in, where nobody names one. */
const OWN_CLUSTER: Readonly<Record<string, ClusterSetting>> = { default: { inCluster: true } };

function settingsOf({ clusters }: Pick<AuditorConfig, 'clusters'>): [name: string, ClusterSetting][] {
  return Object.entries(Object.keys(clusters).length > 0 ? clusters : OWN_CLUSTER);
}

/** The clusters of a configuration: the one that this runs in where none is named. */
export function auditTargets(config: Pick<AuditorConfig, 'clusters'>): readonly AuditTarget[] {
  return settingsOf(config).map(([name, { kubeconfigFile, context }]) => ({
    name,
    open: () => openCluster({ kubeconfigFile, context }),
  }));
}

/** What is wrong with the clusters of a configuration. */
export async function targetProblems(config: Pick<AuditorConfig, 'clusters'>): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [name, setting] of settingsOf(config)) {
    const problem = await clusterSettingProblem(setting);
    if (problem !== undefined) problems.push(`clusters.${name}${problem}`);
  }
  return problems;
}
