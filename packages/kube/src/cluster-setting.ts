import { openCluster } from './cluster.ts';
import { KubeError } from './kube-error.ts';

/** A cluster as configurations name it: by a kubeconfig, or as the pod that this runs in. */
export interface ClusterSetting {
  readonly kubeconfigFile?: string | undefined;
  readonly context?: string | undefined;
  readonly inCluster?: boolean | undefined;
}

/**
 * What is wrong with a setting, its files included; goes on after the name of its key. `undefined` where nothing is.
 * Nothing is sent to the cluster.
 */
export async function clusterSettingProblem(setting: ClusterSetting): Promise<string | undefined> {
  const { kubeconfigFile, context, inCluster = false } = setting;
  if ((kubeconfigFile === undefined) !== inCluster) {
    return ': wants kubeconfigFile or inCluster, one of the two';
  }
  if (kubeconfigFile === undefined && context !== undefined) return '.context: is of a kubeconfig';
  try {
    (await openCluster({ kubeconfigFile, context })).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return `: ${error.message}`;
  }
}
