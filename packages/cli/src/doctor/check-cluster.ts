import {
  type Cluster,
  isAllowed,
  type KubeAnswer,
  KubeError,
  openCluster,
  REAL_WAITING,
} from '@leastwise/kube';

import { clockVerdict } from './clock.ts';
import {
  auditorUse,
  type ClusterNeed,
  type ClusterPart,
  type ClusterUse,
  publisherUse,
} from './cluster-needs.ts';
import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, skipped, type Verdict } from './verdict.ts';

/** A cluster to look at, and what for. */
export interface GivenCluster {
  readonly name: string;
  /** As the pod that this runs in where it is `undefined`. */
  readonly kubeconfigFile: string | undefined;
  readonly context: string | undefined;
  readonly use: ClusterUse;
}

/** The clusters that an auditor's configuration names; the one that it runs in where it names none. */
export function auditedClusters({ view }: ReadConfig): readonly GivenCluster[] {
  const use = auditorUse(view);
  const named = clustersBelow('clusters', view, use);
  if (named.length > 0) return named;
  return [{ name: 'default', kubeconfigFile: undefined, context: undefined, use }];
}

/** The clusters that a publisher keeps reports in. */
export function reportClusters({ view }: ReadConfig): readonly GivenCluster[] {
  return clustersBelow('policyReports.clusters', view, publisherUse(view));
}

function clustersBelow(key: string, view: ReadConfig['view'], use: ClusterUse): readonly GivenCluster[] {
  return view.keys(key).map((name) => {
    const text = (field: string) => view.text([...key.split('.'), name, field]);
    return { name, use, kubeconfigFile: text('kubeconfigFile'), context: text('context') };
  });
}

/** The API server of a cluster: whether it answers, lets us do what is done there, and whether its clock is ours. */
export function clusterCheck(given: GivenCluster, timeoutMs: number): Check {
  const what = `cluster ${given.name}`;
  return {
    area: 'cluster',
    what,
    look: async () => {
      const { kubeconfigFile, context, use } = given;
      try {
        const cluster = await openCluster({ kubeconfigFile, context, timeoutMs });
        try {
          return await lookAt(what, cluster, use);
        } finally {
          cluster.close();
        }
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        const remedy =
          error.failure === 'configuration'
            ? 'Look at the kubeconfig, its context and its certificates.'
            : 'Is the address right, and does a firewall or NetworkPolicy let us through?';
        return [failed(what, error.message, remedy)];
      }
    },
  };
}

async function lookAt(what: string, cluster: Cluster, use: ClusterUse): Promise<Verdict[]> {
  const version = await cluster.send({ method: 'GET', path: '/version' });
  if (version.status === 401) {
    return [
      failed(
        what,
        `${cluster.server} does not know us (401)`,
        'Look at the token or certificate of the kubeconfig.',
      ),
    ];
  }
  const parts: Verdict[] = [];
  for (const part of use.parts) parts.push(...(await partVerdicts(what, cluster, part)));
  return [
    ok(what, `${cluster.server} answers, Kubernetes ${versionOf(version)}`),
    timeVerdict(what, version),
    ...parts,
    ...(await permissionVerdicts(what, cluster, use)),
  ];
}

function versionOf({ text }: KubeAnswer): string {
  return (
    /"gitVersion":\s*"(?<version>v[\w.+-]{1,40})"/.exec(text)?.groups?.['version'] ?? 'of unknown version'
  );
}

/** Says nothing where we may not look: whether that is needed is told by the permissions. */
async function partVerdicts(what: string, cluster: Cluster, part: ClusterPart): Promise<Verdict[]> {
  const { status } = await cluster.send({ method: 'GET', path: part.path, query: { limit: '1' } });
  if (status === 401 || status === 403) return [];
  if (status === 200) return [ok(what, `it has ${part.what}`)];
  if (status === 404) return [failed(what, `it has no ${part.what}`, part.remedy)];
  return [failed(what, `${part.what}: the answer was ${status}`, "The API server's log says why.")];
}

async function permissionVerdicts(what: string, cluster: Cluster, use: ClusterUse): Promise<Verdict[]> {
  const name = `${what}, permissions`;
  const missing: string[] = [];
  try {
    for (const need of use.needs) {
      const refused = await refusedVerbs(cluster, need);
      if (refused.length > 0) missing.push(`${refused.join(', ')} ${resourceText(need)}`);
    }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return [skipped(name, `it does not say what we may do: ${error.message}`, 'kubectl auth can-i --list')];
  }
  return missing.length === 0
    ? [ok(name, `we may do all that ${use.who} does`)]
    : missing.map((each) => failed(name, `we may not ${each}`, use.remedy));
}

/** The verbs of a need that we may not use, in its order. */
async function refusedVerbs(cluster: Cluster, { verbs, ...target }: ClusterNeed): Promise<string[]> {
  const answers = await Promise.all(
    verbs.map(async (verb) => ({ verb, may: await isAllowed(cluster, { verb, ...target }, REAL_WAITING) })),
  );
  return answers.flatMap(({ verb, may }) => (may ? [] : [verb]));
}

function resourceText({ group, resource, subresource, namespace, name }: ClusterNeed): string {
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  return [
    group === '' ? whole : `${whole} of ${group}`,
    ...(name === undefined ? [] : [`named ${name}`]),
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
  ].join(' ');
}

/** The time of an answer has whole seconds, and is as old as the way back took. */
function timeVerdict(what: string, { headers }: KubeAnswer): Verdict {
  const { date } = headers;
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(theirs)) return skipped(`${what}, clock`, 'its answer has no time');
  const why = 'Aggregators take events as of the future that are further ahead than `skew`.';
  return clockVerdict(what, theirs - Date.now(), why);
}
