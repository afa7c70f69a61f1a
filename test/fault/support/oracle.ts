/*
 * What the state should be, told from the log by code that shares nothing with the product: JSON.parse, plain lists
 * of names, and the rules as the design states them.
 */
import {
  addCell,
  addNamespace,
  addSpan,
  addWindow,
  dropOldWindows,
  type Known,
  nothingKnown,
} from './redis-state.ts';

/** A record of a log, as it stands there. */
export interface LoggedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** By which rules a log is read. */
export interface OracleRules {
  /** For how many hours of event time copies are recognised. */
  readonly dedupeHours: number;
  /** Whether a record should have become a dead letter: whoever made it knows. */
  readonly isPoison: (record: LoggedRecord) => boolean;
  /** Whether a record holds nothing that is ours to count, without being damaged. */
  readonly isNothing: (record: LoggedRecord) => boolean;
}

interface Logged {
  readonly auditID: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly verb: string;
  readonly user?: { readonly username?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Longest auditID that is kept whole; a longer one is cut and ends in an ellipsis. */
const MAX_ID = 64;
const HOUR_US = 3_600_000_000;
/** How long the windows are that requests are counted in. */
const WINDOWS = [
  { kind: '5m', lengthUs: HOUR_US / 12 },
  { kind: '1h', lengthUs: HOUR_US },
] as const;

/** What should be in the state after the records of some partitions, each in the order of its offsets. */
export function truthOf(records: readonly LoggedRecord[], rules: OracleRules): Known {
  const known = nothingKnown();
  const partitions = new Map<string, LoggedRecord[]>();
  for (const record of records) {
    const name = `${record.topic}/${record.partition}`;
    partitions.set(name, [...(partitions.get(name) ?? []), record]);
  }
  for (const each of partitions.values()) {
    each.sort((a, b) => a.offset - b.offset);
    readPartition(known, each, rules);
  }
  dropOldWindows(known);
  return known;
}

/** The events of a record that is good. */
export function eventsOf({ value }: Pick<LoggedRecord, 'value'>): unknown[] {
  const parsed: unknown = JSON.parse(String(value));
  const items: unknown = Reflect.get(Object(parsed), 'items');
  return Array.isArray(items) ? items : [parsed];
}

/** A larger event cannot be produced again. */
const MAX_AGAIN = 900_000;

/**
 * Whether the events of a good record are counted from another topic, to which they are produced again: all but those
 * that come alone, and by their auditID as key, or are too large.
 */
export function isProducedAgain({ topic, key, value }: LoggedRecord): boolean {
  if (topic.endsWith('-keyed')) return false;
  const [first, ...others] = eventsOf({ value });
  // What no topic takes is counted where it is.
  if (((first as Logged | undefined)?.auditID ?? '').length > 890_000) return false;
  if (others.length === 0 && (value?.length ?? 0) > MAX_AGAIN) return false;
  return others.length > 0 || key === null || (first as Logged | undefined)?.auditID !== String(key);
}

/** What tells a request from all others. */
export function identityOf(event: unknown): string {
  const { auditID, requestReceivedTimestamp, verb, requestURI, user } = event as Logged;
  return JSON.stringify([auditID, requestReceivedTimestamp, verb, requestURI, user?.username ?? '']);
}

/** What tells a stage of a request from all others. */
export function stageOf(event: unknown): string {
  return JSON.stringify([(event as Logged).stage, identityOf(event)]);
}

function readPartition(known: Known, records: readonly LoggedRecord[], rules: OracleRules): void {
  const watermarks = new Map<string, number>();
  const ended = new Set<string>();
  const received = new Set<string>();
  for (const record of records) {
    if (rules.isPoison(record) || rules.isNothing(record) || isProducedAgain(record)) continue;
    const cluster = record.headers['leastwise-cluster'] ?? 'default';
    for (const event of eventsOf(record)) {
      const logged = event as Logged;
      const us = microseconds(logged.requestReceivedTimestamp);
      const watermark = watermarks.get(cluster) ?? us;
      watermarks.set(cluster, Math.max(us, watermark));
      const isLate = Math.floor(watermark / HOUR_US) - Math.floor(us / HOUR_US) > rules.dedupeHours;
      const identity = JSON.stringify([cluster, identityOf(event)]);
      if (logged.stage === 'RequestReceived') {
        if (!isLate) received.add(identity);
        continue;
      }
      if (isLate) known.late += 1;
      const isNew = !isLate && !ended.has(identity);
      if (!isLate) ended.add(identity);
      if (isNew) countInWindows(known, cluster, us);
      count(known, cluster, logged, isNew ? 1 : 0);
    }
  }
  for (const identity of received) if (!ended.has(identity)) known.onlyReceived += 1;
}

function countInWindows(known: Known, cluster: string, us: number): void {
  for (const { kind, lengthUs } of WINDOWS) {
    const number = Math.floor(us / lengthUs);
    addWindow(known, JSON.stringify([cluster, kind, number]), [1, us, us]);
  }
}

function count(known: Known, cluster: string, event: Logged, times: 0 | 1): void {
  const us = microseconds(event.requestReceivedTimestamp);
  const subject = subjectOf(event.user?.username ?? '');
  const isAllowed = event.annotations?.['authorization.k8s.io/decision'] === 'allow';
  const { group, resource, namespace, object } = askedFor(event);
  const id = event.auditID.length > MAX_ID ? `${event.auditID.slice(0, MAX_ID - 1)}…` : event.auditID;
  const cell = [cluster, isAllowed ? 'a' : 'd', ...subject, event.verb, group, resource, namespace, object];
  addCell(known, JSON.stringify(cell), {
    count: times,
    first: us,
    last: us,
    firstID: id,
    lastID: id,
    days: [Math.floor(us / (24 * HOUR_US))],
  });
  known.subjects.add(JSON.stringify([cluster, ...subject]));
  addSpan(known, cluster, us, us);
  if (!isAllowed || namespace === '') return;
  const hasMade = event.responseStatus?.code === 201;
  addNamespace(known, JSON.stringify([cluster, namespace]), us, hasMade ? us : 0);
}

function subjectOf(username: string): [kind: string, namespace: string, name: string] {
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]+):([^:]+)$/s.exec(username) ?? [];
  return name === ''
    ? ['User', '', username.replaceAll('\0', '\uFFFD')]
    : ['ServiceAccount', namespace, name];
}

/** `/api/v1/…` or `/apis/GROUP/VERSION/…`, then `namespaces/NAMESPACE` or not, resource, name and subresource. */
function askedFor({
  requestURI,
  verb,
}: Logged): Record<'group' | 'resource' | 'namespace' | 'object', string> {
  const path = requestURI.replace(/\?.*$/s, '');
  const segments = path.split('/').slice(1).map(decodeURIComponent);
  const group = segments[0] === 'api' ? '' : (segments[1] ?? '');
  const rest = segments.slice(segments[0] === 'api' ? 2 : 3);
  // A namespace is in itself.
  const isNamespace = rest[0] === 'namespaces' && rest.length < 3;
  const namespace = rest[0] === 'namespaces' ? (rest[1] ?? '') : '';
  const [resource = '', name = '', subresource = ''] =
    rest[0] === 'namespaces' && !isNamespace ? rest.slice(2) : rest;
  const hasName = verb !== 'create' || subresource !== '';
  return {
    group,
    namespace,
    resource: subresource === '' ? resource : `${resource}/${subresource}`,
    object: hasName ? name : '',
  };
}

function microseconds(timestamp: string): number {
  const [, seconds = '', fraction = ''] = /^(.*)\.(\d{6})Z$/.exec(timestamp) ?? [];
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction);
}
