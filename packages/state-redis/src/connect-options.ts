import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';

/** A password, or what gives the one that is right now. */
export type Password = string | (() => string);

/** The password of this moment. */
export function currentPassword(password: Password): string {
  return typeof password === 'function' ? password() : password;
}

/** Where a server listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Which Redis it is: one server, the master that sentinels name, or a Cluster. */
export type RedisTarget =
  /** `redis://user:password@host:port/db`, `rediss://` for TLS. */
  | { readonly url: string }
  | RedisAddress
  | {
      readonly sentinels: readonly RedisAddress[];
      readonly masterName: string;
      readonly sentinelUsername?: string | undefined;
      /** As `password`. */
      readonly sentinelPassword?: Password | undefined;
    }
  /** Some of the nodes, the others are learned from them. */
  | { readonly nodes: readonly RedisAddress[] };

/** TLS towards Redis, and towards its sentinels; certificates are always verified. */
export interface RedisTls {
  /** PEM. The authorities that signed the servers' certificates; those of the system where left out. */
  readonly ca?: string | undefined;
  /** PEM, for mutual TLS. */
  readonly cert?: string | undefined;
  /** PEM, for mutual TLS. */
  readonly key?: string | undefined;
  /** The name that the certificates must carry, where it is not the one that the servers are reached by. */
  readonly servername?: string | undefined;
}

/** How Redis is reached. Times in milliseconds. */
export interface RedisConnectionOptions {
  readonly target: RedisTarget;
  readonly username?: string | undefined;
  /** Asked for before every connection where it is a function, since passwords are replaced. */
  readonly password?: Password | undefined;
  /** 0 where left out, and always in a Cluster. */
  readonly db?: number | undefined;
  readonly tls?: RedisTls | undefined;
  /** What Redis shows of us in CLIENT LIST; `leastwise`. */
  readonly clientName?: string | undefined;
  /** 5 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** After how long a connection is given up on which nothing comes though something is owed; 30 s. */
  readonly commandTimeoutMs?: number | undefined;
  /** For how long an outage is waited for; 10 minutes. Then the connection has ended for good. */
  readonly outageMs?: number | undefined;
  /** Told what goes wrong with connections, also where they come back by themselves. */
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/** The options with every default in place, and what a URL says taken out of it. */
export interface ConnectionSettings {
  readonly target: Exclude<RedisTarget, { readonly url: string }>;
  readonly username: string | undefined;
  readonly password: Password | undefined;
  readonly db: number;
  readonly tls: RedisTls | undefined;
  readonly clientName: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly outageMs: number;
  readonly onTrouble: (message: string) => void;
}

/** How long Redis may be silent or away where nothing is said. */
export const DEFAULT_PATIENCE = { commandTimeoutMs: 30_000, outageMs: 600_000 } as const;

const DEFAULTS = {
  clientName: 'leastwise',
  connectTimeoutMs: 5000,
  ...DEFAULT_PATIENCE,
  onTrouble: noTrouble,
} as const;

/** @throws TypeError for options that contradict each other, and for a URL that is none */
export function settingsOf({ target, ...options }: RedisConnectionOptions): ConnectionSettings {
  const { address, isTls, ...url } =
    'url' in target ? readUrl(target.url) : { address: target, isTls: false };
  const settings: ConnectionSettings = {
    target: address,
    username: undefined,
    password: undefined,
    db: 0,
    tls: isTls ? {} : undefined,
    ...DEFAULTS,
    ...defined(url),
    ...defined(options),
  };
  if ('nodes' in settings.target && settings.db !== 0)
    throw new TypeError('a Redis Cluster has database 0 only');
  return settings;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the keys that are there and have no value. */
function defined<T extends object>(options: T): Defined<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>; // of the same keys
}

function noTrouble(): void {
  // Whoever waits for an answer gets an error too.
}

function readUrl(text: string): {
  readonly address: RedisAddress;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number | undefined;
} {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  // The text is not shown, it may hold a password.
  if (parsed?.protocol !== 'redis:' && parsed?.protocol !== 'rediss:') {
    throw new TypeError('not a redis:// or rediss:// URL');
  }
  const path = parsed.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(path)) throw new TypeError('the path of a Redis URL is the number of a database');
  return {
    address: {
      host: parsed.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
      port: parsed.port === '' ? 6379 : Number(parsed.port),
    },
    isTls: parsed.protocol === 'rediss:',
    username: parsed.username === '' ? undefined : decodeURIComponent(parsed.username),
    password: parsed.password === '' ? undefined : decodeURIComponent(parsed.password),
    db: path === '' ? undefined : Number(path),
  };
}

/** Between two attempts: doubling, up to 2 s, and never in step with other workers. */
export function backOffMs(attempt: number, maxMs = 2000): number {
  return Math.round(Math.min(maxMs, 50 * 2 ** Math.min(attempt, 20)) * (0.5 + Math.random() / 2));
}

/** Says how long to wait before the next attempt; `null` to give up. */
export type Retry = (attempt: number) => number | null;

/** The client copies these for every connection, so each is asked for then: files are replaced. */
function tlsOf(tls: RedisTls): NonNullable<RedisOptions['tls']> {
  const options = { rejectUnauthorized: true };
  for (const name of ['ca', 'cert', 'key', 'servername'] as const) {
    if (tls[name] === undefined) continue;
    Object.defineProperty(options, name, { enumerable: true, get: () => tls[name] });
  }
  return options;
}

/**
 * Has a client ask for its passwords before every connection: it copies its options, and would keep those of the first.
 */
export function keepPasswords(options: object, { password, target }: ConnectionSettings): void {
  const follow = (name: string, given: Password | undefined): void => {
    if (typeof given === 'function') Object.defineProperty(options, name, { enumerable: true, get: given });
  };
  follow('password', password);
  if ('sentinels' in target) follow('sentinelPassword', target.sentinelPassword);
}

function commonOptions(settings: ConnectionSettings): RedisOptions {
  const { username, password, tls } = settings;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: currentPassword(password) }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
    connectionName: settings.clientName,
    disableClientInfo: true,
    connectTimeout: settings.connectTimeoutMs,
    maxRetriesPerRequest: null,
    maxLoadingRetryTime: Math.min(1000, Math.ceil(settings.commandTimeoutMs / 4)),
    // A replica that once was the master: look for the new one. Asking again at once (2) would go on for as long as
    // there is none; the store asks again by itself, more and more rarely.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  };
}

/** What ioredis needs for one server or a master that sentinels name. */
export function redisOptions(settings: ConnectionSettings, retry: Retry): RedisOptions {
  const { target, tls, db } = settings;
  const common: RedisOptions = { ...commonOptions(settings), db, lazyConnect: true, retryStrategy: retry };
  if (!('sentinels' in target)) {
    return 'nodes' in target ? common : { ...common, host: target.host, port: target.port };
  }
  const { sentinels, masterName, sentinelUsername, sentinelPassword } = target;
  return {
    ...common,
    sentinels: [...sentinels],
    name: masterName,
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: settings.connectTimeoutMs,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: currentPassword(sentinelPassword) }),
    ...(tls === undefined ? {} : { sentinelTLS: tlsOf(tls), enableTLSForSentinelMode: true }),
  };
}

const REDIRECTION_DELAY_MS = 200;

/** What ioredis needs for a Cluster. */
export function clusterOptions(settings: ConnectionSettings, retry: Retry): ClusterOptions {
  return {
    lazyConnect: true,
    redisOptions: commonOptions(settings),
    clusterRetryStrategy: retry,
    slotsRefreshTimeout: settings.connectTimeoutMs,
    retryDelayOnFailover: REDIRECTION_DELAY_MS,
    retryDelayOnClusterDown: REDIRECTION_DELAY_MS,
    retryDelayOnTryAgain: REDIRECTION_DELAY_MS,
    // Commands go from node to node for as long as somebody waits for them: a failover takes its time.
    maxRedirections: 16 + Math.ceil(settings.commandTimeoutMs / REDIRECTION_DELAY_MS),
    // Names stay names, for certificates are made out to them.
    ...(settings.tls === undefined ? {} : { dnsLookup: (address, callback) => callback(null, address) }),
  };
}

/** The nodes that a Cluster is looked for at. */
export function clusterNodes(nodes: readonly RedisAddress[]): ClusterNode[] {
  return nodes.map(({ host, port }) => ({ host, port }));
}
