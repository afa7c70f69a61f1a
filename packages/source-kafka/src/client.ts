import { readFile } from 'node:fs/promises';
import kafkajs from 'kafkajs';
import type { Batch, Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { registerCodecs } from './codecs/codecs.ts';
import { calmRequestQueue } from './request-queue.ts';
import type { KafkaLogLine, KafkaSasl, KafkaTls } from './options.ts';

/** What of the settings makes a connection. */
export interface ClientSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly log: KafkaLogLine;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

/** Sees what kafkajs logs: some of what it does is told nowhere else. */
export type EntryListener = (message: string, fields: Readonly<Record<string, unknown>>) => void;

/** For how many tries a client goes on by itself, each after a longer pause; up to 2 s. */
export type Patience = 'short' | 'long';

/**
 * Short: outages are waited for outside of the client, where they can be told from refusals, and be aborted. Long:
 * outlasts the restart of a broker, so that a member of a group stays one, and need not wait for its old self to expire.
 */
const RETRIES: Readonly<Record<Patience, number>> = { short: 2, long: 9 };

/** A client that knows all codecs, and logs where it is told to. Opens no connection by itself. */
export function createClient(settings: ClientSettings, patience: Patience, onEntry?: EntryListener): Kafka {
  registerCodecs();
  calmRequestQueue();
  const config: KafkaConfig = {
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    connectionTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    retry: { initialRetryTime: 200, maxRetryTime: 2000, retries: RETRIES[patience] },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => {
      forward(entry, settings.log, onEntry);
    },
  };
  if (settings.tls !== undefined) config.ssl = tlsOptions(settings.tls);
  if (settings.sasl !== undefined) config.sasl = saslOptions(settings.sasl);
  return new kafkajs.Kafka(config);
}

/**
 * The offset that was asked for, which the types of kafkajs leave out. Records may begin above it: offsets have
 * holes where the log was compacted or holds control records.
 */
export function fetchedOffset(batch: Batch): number {
  return Number(Reflect.get(batch, 'fetchedOffset'));
}

/** The client copies these for every connection, so each is asked for then: files are replaced. */
function tlsOptions(tls: KafkaTls): Exclude<KafkaConfig['ssl'], boolean | undefined> {
  const options = { rejectUnauthorized: true };
  for (const name of ['ca', 'cert', 'key', 'servername'] as const) {
    if (tls[name] === undefined) continue;
    Object.defineProperty(options, name, { enumerable: true, get: () => tls[name] });
  }
  return options;
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  switch (sasl.mechanism) {
    case 'oauthbearer': {
      const { token } = sasl;
      return {
        mechanism: 'oauthbearer',
        oauthBearerProvider: async () => ({
          value: typeof token === 'function' ? await token() : (await readFile(token.file, 'utf8')).trim(),
        }),
      };
    }
    case 'plain':
      return withLogin({ mechanism: 'plain' }, sasl);
    case 'scram-sha-256':
      return withLogin({ mechanism: 'scram-sha-256' }, sasl);
    case 'scram-sha-512':
      return withLogin({ mechanism: 'scram-sha-512' }, sasl);
  }
}

type Login = Exclude<KafkaSasl, { readonly mechanism: 'oauthbearer' }>;

/** The client keeps this very object, and asks it for the password at every login. */
function withLogin<T extends object>(options: T, sasl: Login): T & { username: string; password: string } {
  return Object.defineProperties(options, {
    username: { enumerable: true, value: sasl.username },
    password: { enumerable: true, get: () => sasl.password },
  }) as T & { username: string; password: string }; // as defined just now
}

function forward(
  { level, namespace, log: entry }: LogEntry,
  log: KafkaLogLine,
  onEntry?: EntryListener,
): void {
  const { message, ...fields } = entry;
  onEntry?.(message, fields);
  const named = { ...fields, component: `kafkajs/${namespace}` };
  if (level <= kafkajs.logLevel.ERROR) log('error', message, named);
  else if (level <= kafkajs.logLevel.WARN) log('warn', message, named);
  else log('info', message, named);
}
