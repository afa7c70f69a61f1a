import { DEFAULT_REPORT_NAMESPACE } from '@leastwise/kube';
import { durationMs, LOG_LEVELS, secret } from '@leastwise/runtime';
import * as z from 'zod';

import { policySchema } from './policy-config.ts';

const tls = z.strictObject({
  enabled: z.boolean().default(false).describe('Speak TLS.'),
  caFile: z.string().optional().describe('PEM of the authorities to trust; those of the system without it.'),
  certFile: z.string().optional().describe('PEM of our certificate, for mutual TLS.'),
  keyFile: z.string().optional().describe('PEM of its key.'),
  servername: z
    .string()
    .optional()
    .describe('The name in the certificate, where it is not that of the host.'),
});

const path = z.string().min(1);
/** An id of an app is a number or a word: as YAML spells it. */
const id = z.union([z.string().min(1), z.number().int().min(1)]);

const redis = z.strictObject({
  mode: z.enum(['standalone', 'sentinel', 'cluster']).default('standalone'),
  nodes: z
    .array(z.string().min(1))
    .default(['127.0.0.1:6379'])
    .describe('host:port of the server, of the sentinels, or of some nodes of the Cluster.'),
  masterName: z.string().optional().describe('What the sentinels call the master.'),
  username: z.string().optional(),
  password: secret().optional(),
  sentinelPassword: secret().optional(),
  db: z.number().int().min(0).default(0),
  prefix: z.string().min(1).default('leastwise:').describe('Every key begins with it.'),
  tls,
});

const repository = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe('https://, ssh://, user@host:path, or the path of a bare repository; no credentials in it.'),
  base: z.string().min(1).default('main').describe('The branch that proposals are made for.'),
  author: z.strictObject({
    name: z.string().min(1).default('Leastwise'),
    email: z.string().min(1).default('leastwise@localhost'),
  }),
  signingKeyFile: path
    .optional()
    .describe('A private SSH key without passphrase, which signs commits; ed25519.'),
  tokenFile: path
    .optional()
    .describe('A token for git over https. Without it that of the forge, where the host is the same.'),
  sshKeyFile: path.optional().describe('The private key for git over ssh.'),
  knownHostsFile: path.optional().describe('The hosts that ssh knows: no other one is spoken to.'),
  caFile: path.optional().describe('PEM of an authority to trust, by git and towards the forge.'),
  folder: path
    .optional()
    .describe(
      'Keeps a copy of what is needed between starts. It is of this process alone; temporary without it.',
    ),
});

const forge = z.strictObject({
  kind: z
    .enum(['none', 'github', 'gitlab', 'gitea'])
    .default('none')
    .describe('What has the pull requests; none: branches only.'),
  apiUrl: z.string().optional().describe("The address of the API; that of the repository's host without it."),
  repository: z.string().optional().describe("owner/name; what the repository's address says without it."),
  tokenFile: path.optional().describe('Holds a token; read anew for every request.'),
  app: z.strictObject({
    id: id.optional().describe('The id, or the client id, of an app of GitHub; in place of a token.'),
    installationId: id.optional(),
    privateKeyFile: path.optional().describe('PEM of its RSA key.'),
  }),
  webUrl: z
    .string()
    .optional()
    .describe('Where people read the repository: https://forge.example/owner/name.'),
});

const reportTarget = z.strictObject({
  kubeconfigFile: path.optional().describe('A kubeconfig; read anew for each cycle.'),
  context: z.string().min(1).optional().describe('A context of it; its current one without it.'),
  inCluster: z
    .boolean()
    .default(false)
    .describe('As the service account of the pod that this runs in, in place of a kubeconfig.'),
});

const policyReports = z.strictObject({
  clusters: z
    .record(z.string(), reportTarget)
    .default({})
    .describe('By cluster, how it is reached to keep a SubjectPolicyReport of each subject in it.'),
  namespace: z
    .string()
    .default(DEFAULT_REPORT_NAMESPACE)
    .describe('Where the reports of users and groups are kept; it has to exist.'),
});

const OFFICE_HOURS = /^([01]?\d|2[0-3])-([1-9]|1\d|2[0-4])$/;

const kubectlReports = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Write what was done with kubectl, day by day; of people as leastwise.yaml says.'),
  pseudonymKeyFile: path
    .optional()
    .describe('A secret key of at least 16 bytes, where leastwise.yaml wants pseudonyms for people.'),
  timeZone: z
    .string()
    .min(1)
    .default('UTC')
    .describe('Of the heat map and office hours, such as Europe/Berlin. Days are of UTC.'),
  officeHours: z
    .string()
    .regex(OFFICE_HOURS, 'expected office hours such as 8-18')
    .optional()
    .describe('Such as 8-18, Monday to Friday: what people change outside of them is told.'),
});

/** The configuration of a publisher: file, environment (`LEASTWISE_PUBLISHER_…`) and flags share it. */
export const configSchema = z.strictObject({
  logLevel: z.enum(LOG_LEVELS).default('info'),
  http: z.strictObject({
    host: z.string().default('0.0.0.0').describe('Where /healthz, /readyz and /metrics are served.'),
    port: z.number().int().min(0).max(65_535).default(8080),
  }),
  state: z.strictObject({
    folder: path.optional().describe('A state of `leastwise run`, in place of Redis.'),
  }),
  redis,
  repository,
  forge,
  policies: z
    .enum(['branch', 'base'])
    .default('branch')
    .describe('Where policies go; base: committed unreviewed, reports too, which a forge does not go with.'),
  reports: z
    .enum(['branch', 'base', 'none'])
    .default('branch')
    .describe('Where the reports on policies go: a branch with a pull request, the base itself, nowhere.'),
  kubectlReports,
  policy: policySchema,
  rbac: z
    .record(z.string(), z.array(path).min(1))
    .default({})
    .describe('By cluster, files and folders of the RBAC that exists there.'),
  auditPolicies: z
    .record(z.string(), path)
    .default({})
    .describe('By cluster, the file of its audit policy: what that does not log is never called unused.'),
  policyReports,
  holdAfterAlert: durationMs()
    .default(86_400_000)
    .describe(
      'For how long after an alert of a subject nothing is granted to it: somebody may look at it first.',
    ),
  every: durationMs({ min: 1000 }).default(900_000).describe('How long after a cycle the next one begins.'),
  jitter: durationMs().default(60_000).describe('By how much longer that is at most, at random.'),
  lease: durationMs({ min: 1000 })
    .default(60_000)
    .describe('How long another publisher waits for one that is gone.'),
  outage: durationMs({ min: 1000 })
    .default(600_000)
    .describe('For how long Redis may be away, or the folder of the state in use, before the process ends.'),
  shutdown: durationMs({ min: 1000 })
    .default(25_000)
    .describe("How long a graceful stop may take: less than the pod's grace period."),
});

/** A whole configuration of a publisher. */
export type PublisherConfig = z.output<typeof configSchema>;
