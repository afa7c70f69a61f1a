import { durationMs, LOG_LEVELS, secret } from '@leastwise/runtime';
import * as z from 'zod';

const path = z.string().min(1);

const cluster = z.strictObject({
  kubeconfigFile: path.optional().describe('A kubeconfig.'),
  context: z.string().min(1).optional().describe('A context of it; its current one without it.'),
  inCluster: z
    .boolean()
    .default(false)
    .describe('As the service account of the pod that this runs in, in place of a kubeconfig.'),
});

const tls = z.strictObject({
  enabled: z.boolean().default(false).describe('Speak TLS.'),
  caFile: path.optional().describe('PEM of the authorities to trust; those of the system without it.'),
  certFile: path.optional().describe('PEM of our certificate, for mutual TLS.'),
  keyFile: path.optional().describe('PEM of its key.'),
  servername: z
    .string()
    .optional()
    .describe('The name in the certificate, where it is not that of the host.'),
});

const redis = z.strictObject({
  mode: z.enum(['standalone', 'sentinel', 'cluster']).default('standalone'),
  nodes: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'host:port of the server, of the sentinels, or of some nodes of the Cluster, in which aggregators keep what was used; without it nothing is called unused.',
    ),
  masterName: z.string().optional().describe('What the sentinels call the master.'),
  username: z.string().optional(),
  password: secret().optional(),
  sentinelPassword: secret().optional(),
  db: z.number().int().min(0).default(0),
  prefix: z.string().min(1).default('leastwise:').describe('Every key begins with it.'),
  tls,
});

const issues = z.strictObject({
  repository: z
    .string()
    .min(1)
    .optional()
    .describe('The address of the repository whose issues tell of violations; none without it.'),
  kind: z.enum(['github', 'gitlab', 'gitea']).default('github').describe('What it is hosted by.'),
  apiUrl: z.string().optional().describe("The address of the API; that of the repository's host without it."),
  tokenFile: path.optional().describe('Holds a token; read anew for every request.'),
  caFile: path.optional().describe('PEM of an authority to trust towards the forge.'),
  labels: z.array(z.string().min(1)).default(['rbac-violation']).describe('Of every issue.'),
  severity: z
    .enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'])
    .default('HIGH')
    .describe('Violations that are at least as bad get one.'),
  maxOpen: z.number().int().min(1).max(1000).default(50).describe('So many at most, the worst ones first.'),
});

/** The configuration of an auditor: file, environment (`LEASTWISE_AUDITOR_…`) and flags share it. */
export const configSchema = z.strictObject({
  logLevel: z.enum(LOG_LEVELS).default('info'),
  http: z.strictObject({
    host: z.string().default('0.0.0.0').describe('Where /healthz, /readyz and /metrics are served.'),
    port: z.number().int().min(0).max(65_535).default(8080),
  }),
  clusters: z
    .record(z.string().regex(/^[A-Za-z0-9._-]{1,63}$/), cluster)
    .default({})
    .describe('By name, how each cluster is reached; the one that this runs in without it.'),
  policy: z
    .strictObject({
      namespace: z.string().default('leastwise-system'),
      name: z.string().default('leastwise-violation-policy'),
      key: z.string().default('policy.yaml'),
    })
    .describe('The ConfigMap of each cluster that says what is forbidden there; it need not exist.'),
  redis,
  auditPolicies: z
    .record(z.string(), path)
    .default({})
    .describe(
      'By cluster, the file of its audit policy: what that does not log is never called unused, and without it nothing is.',
    ),
  outage: durationMs({ min: 1000 })
    .default(60_000)
    .describe('For how long Redis may be away before what is unused is not known any more.'),
  every: durationMs({ min: 1000 }).default(300_000).describe('How often everything is read and judged anew.'),
  settle: durationMs({ min: 10, max: 900 })
    .default(200)
    .describe('How long a change waits for others that come with it.'),
  resolvedDays: z
    .number()
    .int()
    .min(0)
    .max(365)
    .default(7)
    .describe('For how many days resolved violations are kept.'),
  lease: z.strictObject({
    enabled: z.boolean().default(true).describe('Of several auditors one writes; without it each does.'),
    namespace: z.string().default('leastwise-system'),
    name: z.string().default('leastwise-auditor'),
    seconds: z
      .number()
      .int()
      .min(5)
      .max(300)
      .default(15)
      .describe('How long another one waits for one that is gone.'),
  }),
  remediation: z.strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Delete bindings that the policy names and that are labelled for it.'),
    dryRun: z.boolean().default(true).describe('Say what would be deleted, and delete nothing.'),
    clusterRoleBindings: z.boolean().default(false).describe('Those too, not only RoleBindings.'),
    maxPerHour: z.number().int().min(1).max(100).default(1).describe('So many in each cluster.'),
  }),
  issues,
  shutdown: durationMs({ min: 1000 })
    .default(15_000)
    .describe("How long a graceful stop may take: less than the pod's grace period."),
});

/** A whole configuration of an auditor. */
export type AuditorConfig = z.output<typeof configSchema>;
