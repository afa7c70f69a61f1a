import {
  type Cluster,
  type KubeAnswer,
  KubeError,
  openCluster,
  RBAC_PATHS,
  VIOLATIONS_PATH,
} from '@leastwise/kube';

import type { ReadConfig } from './service-config.ts';
import { type Check, failed, ok, skipped, type Verdict, warning } from './verdict.ts';

/** A cluster to look at, and what for. */
export interface GivenCluster {
  readonly name: string;
  /** As the pod that this runs in where it is `undefined`. */
  readonly kubeconfigFile: string | undefined;
  readonly context: string | undefined;
}

/** What is read in a cluster: what an auditor takes, as deploy/auditor/rbac.yaml grants it. */
interface Reading {
  readonly what: string;
  readonly path: string;
}

const READ_BY_AUDITOR: readonly Reading[] = [
  ...Object.entries(RBAC_PATHS).map(([kind, path]) => ({ what: `${kind}s`, path })),
  { what: 'Namespaces', path: '/api/v1/namespaces' },
  { what: 'ServiceAccounts', path: '/api/v1/serviceaccounts' },
  { what: 'RBACViolations', path: VIOLATIONS_PATH },
];

/** Clocks that differ by more make events late, or of the future: see `skew` of the aggregator. */
const MAX_SKEW_MS = 30_000;

/** The clusters that an auditor's configuration names; the one that it runs in where it names none. */
export function clustersOf({ view }: ReadConfig): readonly GivenCluster[] {
  const names = view.keys('clusters');
  if (names.length === 0) return [{ name: 'default', kubeconfigFile: undefined, context: undefined }];
  return names.map((name) => ({
    name,
    kubeconfigFile: view.text(`clusters.${name}.kubeconfigFile`),
    context: view.text(`clusters.${name}.context`),
  }));
}

/** The API server of a cluster: whether it answers, what it lets us read, and whether its clock is ours. */
export function clusterCheck(given: GivenCluster, timeoutMs: number): Check {
  const what = `cluster ${given.name}`;
  return {
    area: 'cluster',
    what,
    look: async () => {
      const { kubeconfigFile, context } = given;
      try {
        const cluster = await openCluster({ kubeconfigFile, context, timeoutMs });
        try {
          return await lookAt(what, cluster);
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

async function lookAt(what: string, cluster: Cluster): Promise<Verdict[]> {
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
  const answers = await Promise.all(
    READ_BY_AUDITOR.map(async (reading) => {
      const answer = await cluster.send({ method: 'GET', path: reading.path, query: { limit: '1' } });
      return { reading, answer };
    }),
  );
  return [
    ok(what, `${cluster.server} answers, Kubernetes ${versionOf(version)}`),
    clockVerdict(what, version),
    ...readVerdicts(what, answers),
    skipped(
      `${what}, writing`,
      'what we may write is not tried, for that would write',
      'deploy/auditor/rbac.yaml is what it takes; kubectl auth can-i --list says what there is.',
    ),
  ];
}

function versionOf({ text }: KubeAnswer): string {
  return (
    /"gitVersion":\s*"(?<version>v[\w.+-]{1,40})"/.exec(text)?.groups?.['version'] ?? 'of unknown version'
  );
}

function readVerdicts(
  what: string,
  answers: readonly { readonly reading: Reading; readonly answer: KubeAnswer }[],
): Verdict[] {
  const of = (...statuses: readonly number[]): string[] =>
    answers.flatMap(({ reading, answer }) => (statuses.includes(answer.status) ? [reading.what] : []));
  const [good, refused, missing] = [of(200), of(401, 403), of(404)];
  const odd = answers.filter(({ answer }) => ![200, 401, 403, 404].includes(answer.status));
  const name = `${what}, reading`;
  return [
    ...(good.length === 0 ? [] : [ok(name, `we may list ${good.join(', ')}`)]),
    ...(refused.length === 0
      ? []
      : [
          failed(
            name,
            `we may not list ${refused.join(', ')}`,
            'kubectl apply -f deploy/auditor/rbac.yaml, or what is like it.',
          ),
        ]),
    ...(missing.length === 0
      ? []
      : [failed(name, `it has no ${missing.join(', ')}`, 'kubectl apply -f deploy/crds installs them.')]),
    ...odd.map(({ reading, answer }) =>
      failed(name, `${reading.what}: the answer was ${answer.status}`, "The API server's log says why."),
    ),
  ];
}

/** The time of an answer has whole seconds, and is as old as the way back took. */
function clockVerdict(what: string, { headers }: KubeAnswer): Verdict {
  const name = `${what}, clock`;
  const { date } = headers;
  const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(theirs)) return skipped(name, 'its answer has no time');
  const aheadMs = theirs - Date.now();
  if (Math.abs(aheadMs) <= MAX_SKEW_MS)
    return ok(name, `it differs from ours by less than ${MAX_SKEW_MS / 1000} s`);
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return warning(
    name,
    `it is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`,
    'Let NTP keep both. Aggregators take events as of the future that are further ahead than `skew`.',
  );
}
