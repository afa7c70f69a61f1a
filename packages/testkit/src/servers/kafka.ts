import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { testCertificates, type TestCertificates } from './certificates.ts';
import { stablePort, startChild } from './child.ts';
import { kafkaProperties, type KafkaPorts, type KafkaUser, scramArguments } from './kafka-config.ts';
import { type KafkaInstall, kafkaInstall } from './kafka-install.ts';
import { LaunchedServer, type ServerProcess, withOtherPorts } from './server-process.ts';

const run = promisify(execFile);

/** How to start a broker. */
export interface KafkaOptions {
  /** A folder of its own; must exist. */
  readonly dir: string;
  /** 4.1.1 where nothing is said. */
  readonly version?: string;
  /** Lines of `server.properties`, over the ones it has by itself. */
  readonly properties?: Readonly<Record<string, string>>;
  /** With users it listens for SASL too: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly users?: readonly KafkaUser[];
  /** Listens for SASL with OAUTHBEARER, taking tokens of {@link unsecuredToken}. */
  readonly oauth?: boolean;
  /** Listens for TLS too, with certificates made for it; `mutual` asks clients for theirs. */
  readonly tls?: 'server' | 'mutual';
}

/** A real broker of one node in KRaft mode, on loopback. */
export interface KafkaServer extends ServerProcess {
  readonly version: string;
  /** Without TLS and without SASL. */
  readonly brokers: readonly string[];
  /** With TLS; empty without `tls`. */
  readonly tlsBrokers: readonly string[];
  /** With SASL; empty without `users` and `oauth`. */
  readonly saslBrokers: readonly string[];
  /** With both; empty where one is missing. */
  readonly saslTlsBrokers: readonly string[];
  /** What TLS clients need; only with `tls`. */
  readonly certificates: TestCertificates | undefined;
}

/**
 * Starts a broker and waits until it leads. Its jars are fetched into the cache where they are missing, which takes a
 * minute the first time.
 * @throws Error where Java or the jars are missing, or with its last words where it does not come up
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const install = await kafkaInstall(options.version);
  const certificates =
    options.tls === undefined ? undefined : await testCertificates(join(options.dir, 'certs'));
  return withOtherPorts(() => launch(options, install, certificates));
}

/** A token that OAUTHBEARER brokers of tests take: a JWS without signature, valid for an hour. */
export function unsecuredToken(subject: string): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3600 })}.`;
}

async function launch(
  options: KafkaOptions,
  install: KafkaInstall,
  certificates: TestCertificates | undefined,
): Promise<KafkaServer> {
  const users = options.users ?? [];
  const hasOauth = options.oauth ?? false;
  const hasSasl = users.length > 0 || hasOauth;
  const ports: KafkaPorts = {
    plain: await stablePort(),
    controller: await stablePort(),
    ...(certificates === undefined ? {} : { tls: await stablePort() }),
    ...(hasSasl ? { sasl: await stablePort() } : {}),
    ...(hasSasl && certificates !== undefined ? { saslTls: await stablePort() } : {}),
  };
  const path = (name: string): string => join(options.dir, name);
  if (certificates !== undefined) {
    await writeFile(path('keystore.pem'), certificates.server.key + certificates.server.cert);
  }
  const properties = kafkaProperties({
    ports,
    logs: path('data'),
    users,
    hasOauth,
    ...(certificates === undefined ? {} : { certificates }),
    needsClientCertificate: options.tls === 'mutual',
    keystore: path('keystore.pem'),
    properties: options.properties ?? {},
  });
  await writeFile(path('server.properties'), properties);
  if (!existsSync(path('data'))) await format(options.dir, install, users);
  const brokers = addresses(ports.plain);
  const server = new LaunchedServer({
    what: `Kafka ${install.version}`,
    start: () =>
      startChild(
        'java',
        ['-Xms256m', '-Xmx256m', ...install.flags, 'kafka.Kafka', path('server.properties')],
        path('kafka.log'),
      ),
    isReady: () => isKafkaReady(brokers),
  });
  await server.ready();
  return Object.assign(server, {
    version: install.version,
    brokers,
    tlsBrokers: addresses(ports.tls),
    saslBrokers: addresses(ports.sasl),
    saslTlsBrokers: addresses(ports.saslTls),
    certificates,
  });
}

function addresses(port: number | undefined): readonly string[] {
  return port === undefined ? [] : [`127.0.0.1:${port}`];
}

async function format(dir: string, install: KafkaInstall, users: readonly KafkaUser[]): Promise<void> {
  await mkdir(join(dir, 'data'));
  const args = ['format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', join(dir, 'server.properties')];
  const all = ['-Xmx128m', ...install.flags, 'kafka.tools.StorageTool', ...args, ...scramArguments(users)];
  // Java reads its arguments, passwords among them, in the encoding of the locale.
  await run('java', all, { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
}

/** An open port is not enough: the broker has to know itself as a member, and who leads. */
export async function isKafkaReady(brokers: readonly string[]): Promise<boolean> {
  // Loaded here: most users of this package need no client.
  const { default: kafkajs } = await import('kafkajs');
  const client = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 2000,
    retry: { retries: 0 },
  });
  // An admin client cannot be connected again: each attempt has its own.
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers: members, controller } = await admin.describeCluster();
    return members.length > 0 && controller !== null;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
