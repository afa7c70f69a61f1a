import type { TestCertificates } from './certificates.ts';

/** Someone who may log in by SASL. */
export interface KafkaUser {
  readonly name: string;
  readonly password: string;
}

/** The ports of a broker, all on loopback. */
export interface KafkaPorts {
  readonly plain: number;
  readonly controller: number;
  readonly tls?: number;
  readonly sasl?: number;
  readonly saslTls?: number;
}

/** What a broker's configuration is made of. */
export interface KafkaConfig {
  readonly ports: KafkaPorts;
  readonly logs: string;
  readonly users: readonly KafkaUser[];
  readonly hasOauth: boolean;
  readonly certificates?: TestCertificates;
  readonly needsClientCertificate: boolean;
  /** PEM file with the server's key and certificate. */
  readonly keystore: string;
  readonly properties: Readonly<Record<string, string>>;
}

const SECURITY = 'org.apache.kafka.common.security';

/** The text of `server.properties`: one node that is broker and controller, with one replica of everything. */
export function kafkaProperties(config: KafkaConfig): string {
  const { ports } = config;
  const listeners = [
    ...listener('PLAINTEXT', ports.plain),
    ...listener('SSL', ports.tls),
    ...listener('SASL_PLAINTEXT', ports.sasl),
    ...listener('SASL_SSL', ports.saslTls),
  ];
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: [...listeners, ...listener('CONTROLLER', ports.controller)].join(','),
    'advertised.listeners': listeners.join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [
      'CONTROLLER:PLAINTEXT',
      ...['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].map((name) => `${name}:${name}`),
    ].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': config.logs,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    // A broker that was killed may register again only when its old session is over (9 s by default).
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '300',
    // So that a test of retention need not wait for five minutes.
    'log.retention.check.interval.ms': '5000',
    'log.cleaner.dedupe.buffer.size': '4194304',
    ...tlsProperties(config),
    ...(ports.sasl === undefined ? {} : saslProperties('sasl_plaintext', config)),
    ...(ports.saslTls === undefined ? {} : saslProperties('sasl_ssl', config)),
    ...config.properties,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${escaped(value)}\n`)
    .join('');
}

function listener(name: string, port: number | undefined): readonly string[] {
  return port === undefined ? [] : [`${name}://127.0.0.1:${port}`];
}

function tlsProperties({
  certificates,
  keystore,
  needsClientCertificate,
}: KafkaConfig): Record<string, string> {
  if (certificates === undefined) return {};
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.caFile,
    // Both TLS listeners: Kafka ignores the setting without a prefix for SASL_SSL.
    ...Object.fromEntries(
      ['ssl', 'sasl_ssl'].map((name) => [
        `listener.name.${name}.ssl.client.auth`,
        needsClientCertificate ? 'required' : 'none',
      ]),
    ),
  };
}

function saslProperties(listenerName: string, { users, hasOauth }: KafkaConfig): Record<string, string> {
  const prefix = `listener.name.${listenerName}`;
  const passwords = users.map(({ name, password }) => `user_${name}=${quoted(password)}`);
  const scram = `${SECURITY}.scram.ScramLoginModule required;`;
  const byPassword: Record<string, string> = {
    plain: `${SECURITY}.plain.PlainLoginModule required ${passwords.join(' ')};`,
    'scram-sha-256': scram,
    'scram-sha-512': scram,
  };
  const mechanisms: Record<string, string> = {
    ...(users.length === 0 ? {} : byPassword),
    ...(hasOauth
      ? {
          oauthbearer: `${SECURITY}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
        }
      : {}),
  };
  const names = Object.keys(mechanisms);
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: names.map((name) => name.toUpperCase()).join(','),
    ...Object.fromEntries(
      names.map((name) => [`${prefix}.${name}.sasl.jaas.config`, mechanisms[name] ?? '']),
    ),
  };
}

/** In a JAAS string. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** In a properties file, which is Latin 1 with escapes. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What the storage is formatted with, so that users can log in by SCRAM. */
export function scramArguments(users: readonly KafkaUser[]): string[] {
  return users.flatMap(({ name, password }) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
}
