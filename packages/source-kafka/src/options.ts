import type { Partition } from '@leastwise/source';

/** Where a line of the client's log goes. `fields` never hold bytes of records. */
export type KafkaLogLine = (
  level: 'error' | 'warn' | 'info',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/** TLS towards the brokers, whose certificates are always verified. What is a getter is read for every connection. */
export interface KafkaTls {
  /** PEM. The authorities that signed the brokers' certificates; those of the system where left out. */
  readonly ca?: string;
  /** PEM, for mutual TLS. */
  readonly cert?: string;
  /** PEM, for mutual TLS. */
  readonly key?: string;
  /** The name that the brokers' certificates must carry, where it is not the one that they are reached by. */
  readonly servername?: string;
}

/** Who we are, for SASL. A password is read at every login, a getter's anew. */
export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Gives a token that is valid now, or names a file that holds one; it is read again for every login. */
      readonly token: (() => Promise<string>) | { readonly file: string };
    };

/** How brokers are reached. */
export interface KafkaConnection {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Quiet where left out. */
  readonly log?: KafkaLogLine;
}

/** How records are appended. */
export interface KafkaWriterOptions extends KafkaConnection {
  /** Bytes of keys, values and headers in one request; 512 KiB. Brokers take 1 MB a batch by default. */
  readonly chunkBytes?: number;
  /** lz4 where left out. */
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4';
  /** For how long an outage is waited for; 10 minutes. */
  readonly outageMs?: number;
}

/** How a group of workers reads topics. Times in milliseconds. */
export interface KafkaLogOptions extends KafkaWriterOptions {
  /** Workers of one group share the partitions. */
  readonly groupId: string;
  /** Names, and patterns that are matched against whole names of topics that are not internal. */
  readonly topics: readonly (string | RegExp)[];
  /** What to do about a named topic that is not there at the start; `refuse` where left out. */
  readonly missingTopics?: 'refuse' | 'wait';
  /** After how long a silent worker loses its partitions; 30 s. */
  readonly sessionTimeoutMs?: number;
  /** 3 s. */
  readonly heartbeatIntervalMs?: number;
  /** How long a rebalance waits for each worker; 60 s. */
  readonly rebalanceTimeoutMs?: number;
  /** How long a broker waits for new records before it answers; 250 ms. Also how late a seek may take effect. */
  readonly maxWaitMs?: number;
  /** What the handler gets at most at a time; 2000. */
  readonly batchRecords?: number;
  /** What the handler gets at most at a time, in bytes; 4 MB, or one record where it is larger. */
  readonly batchBytes?: number;
  /** What is read ahead in all partitions together, in bytes; 32 MB. Each partition may have one fetch beyond it. */
  readonly readAheadBytes?: number;
  /** How often positions are committed to Kafka, for tools that show lag; 5 s. Nothing is ever read on from them. */
  readonly commitEveryMs?: number;
  /** How often new topics and partitions are looked for; 30 s. */
  readonly topicsEveryMs?: number;
  /** How often the ends of partitions are asked for; 10 s. */
  readonly endsEveryMs?: number;
  /** After how long without a record a partition that has some is `stuck`; 2 minutes. */
  readonly stuckAfterMs?: number;
  /**
   * Told of a partition whose next records cannot be decompressed: it is not read any more by this worker, all
   * others are. Its position stays before them.
   */
  readonly onStopped?: (partition: Partition, reason: string) => void;
}

/** The options with every default in place. */
export interface KafkaLogSettings extends Required<Omit<KafkaLogOptions, 'tls' | 'sasl'>> {
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

/** Fills in what was left out. */
export function withDefaults(options: KafkaLogOptions): KafkaLogSettings {
  return {
    clientId: 'leastwise',
    connectionTimeoutMs: 5000,
    requestTimeoutMs: 30_000,
    log: noLog,
    chunkBytes: 512 * 1024,
    compression: 'lz4',
    outageMs: 600_000,
    missingTopics: 'refuse',
    sessionTimeoutMs: 30_000,
    heartbeatIntervalMs: 3000,
    rebalanceTimeoutMs: 60_000,
    maxWaitMs: 250,
    batchRecords: 2000,
    batchBytes: 4_000_000,
    readAheadBytes: 32_000_000,
    commitEveryMs: 5000,
    topicsEveryMs: 30_000,
    endsEveryMs: 10_000,
    stuckAfterMs: 120_000,
    onStopped: noStop,
    ...options,
  };
}

function noLog(): void {
  // Quiet by default.
}

function noStop(): void {
  // The log has it, too.
}
