import type { ClusterState, RbacObject } from '@leastwise/rbac';
import { openEmbeddedStore } from '@leastwise/state';

import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { type LiveFlags, readLiveRbac } from '../live-cluster.ts';
import { openState } from '../open-state.ts';
import { printable } from '../output.ts';
import { readRbacFiles } from '../rbac-files.ts';
import { countBad, type InputFlags } from './input-flags.ts';
import { type Reading, readLogs } from './read-logs.ts';

/** Where the RBAC of a cluster is. */
export interface RbacFlags extends LiveFlags {
  readonly rbac?: readonly string[];
  readonly live?: boolean;
}

/**
 * The RBAC of the cluster itself, or of files; `undefined` where neither is named.
 * @throws CliError where it cannot be read, whole, or a cluster is named that is not asked
 */
export async function rbacOf(flags: RbacFlags): Promise<readonly RbacObject[] | undefined> {
  if (flags.live === true) return (await readLiveRbac(flags)).objects.map(({ object }) => object);
  const given = (['kubeconfig', 'context'] as const).find((flag) => flags[flag] !== undefined);
  if (given !== undefined) throw new CliError(`--${given} goes with --live`);
  if (flags.rbac === undefined) return undefined;
  const { objects, problems } = await readRbacFiles(flags.rbac);
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  return objects;
}

/** Where evidence is: logs, or a state. */
export interface EvidenceFlags extends InputFlags {
  readonly state?: string;
  readonly statePrefix: string;
}

/** What is known of clusters, and how many records could not be read. */
export interface KnownClusters {
  readonly clusters: readonly ClusterState[];
  readonly bad: number;
}

/** What a state or logs know. @throws CliError */
export async function clustersOf(flags: EvidenceFlags, reading: Reading, io: Io): Promise<KnownClusters> {
  if (flags.state !== undefined) {
    await using store = await openState(flags.state, flags.statePrefix);
    return { clusters: [...(await store.read())], bad: 0 };
  }
  await using store = await openEmbeddedStore({});
  const { ingestion } = await readLogs(flags, io, store, reading);
  return { clusters: [...(await store.read())], bad: countBad(ingestion.stats) };
}

/**
 * The one cluster that was observed, or of several the one that `--cluster` names; `undefined` where nothing was.
 * @param why - there can be only one, to go on after
 * @throws CliError where it is not named
 */
export function chosenCluster(
  clusters: readonly ClusterState[],
  { cluster: wanted }: Pick<InputFlags, 'cluster'>,
  why: string,
): ClusterState | undefined {
  const seen = clusters.filter(({ lastSeenUs }) => lastSeenUs > 0);
  if (seen.length <= 1) return seen[0];
  const named = seen.find(({ cluster }) => cluster === wanted);
  if (named) return named;
  const names = seen.map(({ cluster }) => printable(cluster)).sort();
  throw new CliError(`${why}: name it with --cluster (${names.join(', ')})`);
}
