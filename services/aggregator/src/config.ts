import { isSystemPattern, MAX_SYSTEM_PATTERNS } from '@leastwise/activity';
import { durationMs, LOG_LEVELS, secret, sizeBytes } from '@leastwise/runtime';
import * as z from 'zod';

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

/** The configuration of an aggregator: file, environment (`LEASTWISE_AGGREGATOR_…`) and flags share it. */
export const configSchema = z.strictObject({
  logLevel: z.enum(LOG_LEVELS).default('info'),
  http: z.strictObject({
    host: z.string().default('0.0.0.0').describe('Where /healthz, /readyz and /metrics are served.'),
    port: z.number().int().min(0).max(65_535).default(8080),
  }),
  kafka: z.strictObject({
    brokers: z.array(z.string().min(1)).min(1).describe('host:port of some brokers.'),
    clientId: z.string().min(1).default('leastwise-aggregator'),
    groupId: z
      .string()
      .min(1)
      .default('leastwise')
      .describe('Aggregators of one group share the partitions.'),
    topics: z.array(z.string().min(1)).default([]).describe('Topics of audit events.'),
    topicPattern: z
      .string()
      .optional()
      .describe('A regular expression for whole names of topics: one per cluster, for example.'),
    keyedSuffix: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/)
      .default('-keyed')
      .describe(
        'A topic with this suffix takes, one by one and keyed by auditID, the events that came without a key.',
      ),
    deadLetterTopic: z.string().min(1).default('leastwise-dead-letters'),
    deadLetterBytes: sizeBytes({ min: 1024 })
      .default(900_000)
      .describe('A larger record becomes several dead letters.'),
    missingTopics: z.enum(['refuse', 'wait']).default('refuse'),
    sessionTimeout: durationMs({ min: 1000 }).default(30_000),
    heartbeatInterval: durationMs({ min: 100 }).default(3000),
    batchRecords: z.number().int().min(1).max(100_000).default(2000),
    batchBytes: sizeBytes({ min: 1024 }).default(4_000_000),
    tls,
    sasl: z.strictObject({
      mechanism: z.enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']).default('none'),
      username: z.string().optional(),
      password: secret().optional(),
      tokenPath: z.string().optional().describe('A file with the bearer token, read again for every login.'),
    }),
  }),
  cluster: z.strictObject({
    name: z
      .string()
      .min(1)
      .default('default')
      .describe('The cluster of events that nothing else says it of.'),
    field: z.string().optional().describe('A top-level key of the record that the shipper sets.'),
    header: z.string().optional().describe('A header of the record that the shipper sets.'),
    topicPattern: z
      .string()
      .optional()
      .describe(
        'A regular expression on the topic whose group named cluster is the name: audit\\.(?<cluster>.+)',
      ),
  }),
  redis: z.strictObject({
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
  }),
  state: z.strictObject({
    dedupeHours: z
      .number()
      .int()
      .min(1)
      .max(168)
      .default(2)
      .describe('For how many hours of event time a request can be told from its copies.'),
    rebuild: z
      .boolean()
      .default(false)
      .describe('Read everything anew where the state is empty though the group has read before.'),
  }),
  detections: z
    .strictObject({
      systemIdentities: z
        .array(z.string().refine(isSystemPattern, 'not a name, nor the beginning of names before a *'))
        .max(MAX_SYSTEM_PATTERNS)
        .default([])
        .describe(
          'Users whose ordinary work is what others are detected for, besides the parts of Kubernetes itself: a name, or the beginning of names before a *. GitOps controllers, backup.',
        ),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Close windows and look for what is unusual in them, in one aggregator of all.'),
      alertmanagers: z
        .array(
          z.strictObject({
            url: z
              .url({ protocol: /^https?$/ })
              .describe('Of an Alertmanager: http://alertmanager:9093. List all of a cluster.'),
            tokenFile: z
              .string()
              .min(1)
              .optional()
              .describe('Holds a bearer token; read anew for every request.'),
          }),
        )
        .default([]),
      topic: z.string().min(1).optional().describe('A topic that takes each alert once, as JSON.'),
      generatorUrl: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('A page for people to look at, with {cluster} in the place of the name: a dashboard.'),
      timeZone: z
        .string()
        .default('UTC')
        .describe('An IANA name: where the weekend is, and in which times sentences speak.'),
      every: durationMs({ min: 100 }).default(5000).describe('How often windows are looked at.'),
      lease: durationMs({ min: 1000 })
        .default(15_000)
        .describe('How long another one waits for the aggregator that closed the windows and is gone.'),
    })
    .prefault({}),
  skew: durationMs()
    .default(300_000)
    .describe('By how much the clock of an API server may be ahead of the one that stamped the record.'),
  outage: durationMs({ min: 1000 })
    .default(600_000)
    .describe('For how long Kafka or Redis may be away before the process ends.'),
  shutdown: durationMs({ min: 1000 })
    .default(25_000)
    .describe("How long a graceful stop may take: less than the pod's grace period."),
});

/** A whole configuration of an aggregator. */
export type AggregatorConfig = z.output<typeof configSchema>;
