import type { Io } from '../io.ts';
import { usualKubeconfig } from '../live-cluster.ts';
import { auditPolicyCheck } from './check-audit-policy.ts';
import { auditedClusters, clusterCheck, type GivenCluster, reportClusters } from './check-cluster.ts';
import { configCheck } from './check-config.ts';
import { folderCheck } from './check-folder.ts';
import { kafkaCheck } from './check-kafka.ts';
import { logCheck } from './check-log.ts';
import { gitCheck, nodeCheck } from './check-machine.ts';
import { redisCheck } from './check-redis.ts';
import { repositoryCheck } from './check-repository.ts';
import { LIVE_USE } from './cluster-needs.ts';
import { hasRedis } from './redis-settings.ts';
import type { ReadConfig } from './service-config.ts';
import type { Check } from './verdict.ts';

/** What a doctor is given to look at. */
export interface Patient {
  readonly configs: readonly ReadConfig[];
  readonly logs: readonly string[];
  readonly auditPolicies: readonly string[];
  /** The folder of a state of `run`. */
  readonly state?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly timeoutMs: number;
}

/** What of the process is needed. */
export interface Surroundings {
  readonly io: Io;
  readonly env: NodeJS.ProcessEnv;
  /** `20.20.2`. */
  readonly nodeVersion: string;
}

/** The checks that there is something to look at for. What a broken configuration names is looked at as far as it goes. */
export function planChecks(patient: Patient, { io, env, nodeVersion }: Surroundings): readonly Check[] {
  const { configs, logs, auditPolicies, state, timeoutMs } = patient;
  return [
    nodeCheck(nodeVersion),
    gitCheck(),
    ...configs.map(configCheck),
    // One that nothing could be taken from has said so.
    ...configs.filter(({ view }) => !view.isEmpty).flatMap((config) => serviceChecks(config, timeoutMs)),
    ...givenCluster(patient, env).map((cluster) => clusterCheck(cluster, timeoutMs)),
    ...(state === undefined ? [] : [folderCheck(state, 'the state')]),
    ...logs.map((file) => logCheck(file, io.stdin)),
    ...auditPolicies.map((file) => auditPolicyCheck(file, io)),
  ];
}

function serviceChecks(config: ReadConfig, timeoutMs: number): Check[] {
  const redis = hasRedis(config) ? [redisCheck(config)] : [];
  const clusters = (given: readonly GivenCluster[]): Check[] =>
    given.map((cluster) => clusterCheck(cluster, timeoutMs));
  switch (config.service) {
    case 'aggregator':
      return [kafkaCheck(config), ...redis];
    case 'publisher':
      return [
        ...redis,
        ...publisherFolders(config),
        repositoryCheck(config),
        ...clusters(reportClusters(config)),
      ];
    case 'auditor':
      return [...redis, ...clusters(auditedClusters(config))];
  }
}

function publisherFolders({ view }: ReadConfig): Check[] {
  const state = view.text('state.folder');
  const mirror = view.text('repository.folder');
  return [
    ...(state === undefined ? [] : [folderCheck(state, 'the state')]),
    ...(mirror === undefined ? [] : [folderCheck(mirror, 'the copy of the repository')]),
  ];
}

/** A cluster is looked at where one is named; nobody's current context is by itself. */
function givenCluster({ kubeconfig, context }: Patient, env: NodeJS.ProcessEnv): GivenCluster[] {
  if (kubeconfig === undefined && context === undefined) return [];
  const file = kubeconfig ?? usualKubeconfig(env);
  return [{ name: context ?? 'of the kubeconfig', kubeconfigFile: file, context, use: LIVE_USE }];
}
