import type { AuditEvent, ObjectRef, UserInfo } from '@leastwise/audit-event';

/** 2026-03-02T10:00:00Z, in microseconds since the epoch. */
export const START_US = Date.UTC(2026, 2, 2, 10) * 1000;

/** What an audit event holds besides what policies rest on. */
export interface LineOptions {
  /** Default `audit.k8s.io/v1`. */
  readonly apiVersion?: string;
  /** Default: what the bodies given amount to. */
  readonly level?: 'Metadata' | 'Request' | 'RequestResponse';
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly sourceIPs?: readonly string[];
  /** Of objectRef, which has the version of the resource too. Default `v1`. */
  readonly resourceVersion?: string;
  /** Default: 1.5 ms after the request was received. */
  readonly stageTimestampUs?: number;
  /** Annotations besides decision and reason. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A user with defaults: no uid, and the one group that every authenticated user is in. */
export function userInfo(fields: Partial<UserInfo> & Pick<UserInfo, 'username'>): UserInfo {
  return { uid: '', groups: ['system:authenticated'], extra: [], ...fields };
}

/** An allowed `get` of a pod by the user alice, but for the fields given. */
export function auditEvent(fields: Partial<AuditEvent> = {}): AuditEvent {
  return {
    auditID: '5f2b1c9e-0000-4000-8000-000000000001',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/default/pods/web',
    verb: 'get',
    user: userInfo({ username: 'alice' }),
    impersonatedUser: undefined,
    userAgent: 'kubectl/v1.34.0 (linux/amd64) kubernetes/abcdef0',
    objectRef: { apiGroup: '', resource: 'pods', subresource: '', namespace: 'default', name: 'web' },
    code: 200,
    statusMessage: '',
    receivedAtUs: START_US,
    decision: 'allow',
    reason: 'RBAC: allowed by RoleBinding "alice/default" of Role "reader" to User "alice"',
    impersonationConstraint: '',
    ...fields,
  };
}

/**
 * The event as kube-apiserver's log backend writes it: one line of JSON without its newline, keys in the order of the
 * Go types, empty fields left out, and `&`, `<` and `>` escaped as Go escapes them.
 *
 * @see k8s.io/apiserver pkg/apis/audit/v1/types.go
 */
export function auditEventLine(event: AuditEvent, options: LineOptions = {}): string {
  const { receivedAtUs } = event;
  const text = JSON.stringify({
    kind: 'Event',
    apiVersion: options.apiVersion ?? 'audit.k8s.io/v1',
    level: options.level ?? levelOf(options),
    auditID: event.auditID,
    stage: event.stage,
    requestURI: event.requestURI,
    verb: event.verb,
    user: userJson(event.user),
    impersonatedUser: event.impersonatedUser && userJson(event.impersonatedUser),
    authenticationMetadata:
      event.impersonationConstraint === ''
        ? undefined
        : { impersonationConstraint: event.impersonationConstraint },
    sourceIPs: options.sourceIPs ?? ['10.0.0.1'],
    userAgent: unlessEmpty(event.userAgent),
    objectRef: event.objectRef && refJson(event.objectRef, options.resourceVersion ?? 'v1'),
    responseStatus: event.stage === 'RequestReceived' ? undefined : statusJson(event),
    requestObject: options.requestObject,
    responseObject: options.responseObject,
    requestReceivedTimestamp: microTime(receivedAtUs),
    stageTimestamp: microTime(options.stageTimestampUs ?? receivedAtUs + 1500),
    annotations: annotationsJson(event, options),
  });
  return text.replaceAll(/[&<>\u2028\u2029]/gu, escapeForGo);
}

/**
 * The log that the lines make, each ended by a newline.
 */
export function auditLog(events: readonly AuditEvent[], options: LineOptions = {}): string {
  return events.map((event) => `${auditEventLine(event, options)}\n`).join('');
}

/** RFC 3339 with exactly six decimals, as Kubernetes writes MicroTime. */
export function microTime(us: number): string {
  const inSecond = ((us % 1_000_000) + 1_000_000) % 1_000_000;
  const seconds = new Date((us - inSecond) / 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(inSecond).padStart(6, '0')}Z`;
}

function escapeForGo(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function levelOf(options: LineOptions): string {
  if (options.responseObject !== undefined) return 'RequestResponse';
  return options.requestObject === undefined ? 'Metadata' : 'Request';
}

function userJson(user: UserInfo): object {
  return {
    username: unlessEmpty(user.username),
    uid: unlessEmpty(user.uid),
    groups: user.groups.length === 0 ? undefined : user.groups,
    // A null prototype, since a key may be `__proto__`.
    extra: user.extra.length === 0 ? undefined : recordOf(user.extra),
  };
}

function recordOf<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const record: Record<string, T> = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) record[key] = value;
  return record;
}

function refJson(ref: ObjectRef, version: string): object {
  return {
    resource: unlessEmpty(ref.resource),
    namespace: unlessEmpty(ref.namespace),
    name: unlessEmpty(ref.name),
    apiGroup: unlessEmpty(ref.apiGroup),
    apiVersion: version,
    subresource: unlessEmpty(ref.subresource),
  };
}

const STATUS_REASONS: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [409, 'Conflict'],
  [429, 'TooManyRequests'],
  [500, 'InternalError'],
]);

function statusJson(event: AuditEvent): object {
  if (event.code < 400) return { metadata: {}, code: event.code };
  const reason = STATUS_REASONS.get(event.code);
  return {
    metadata: {},
    status: 'Failure',
    message: unlessEmpty(event.statusMessage) ?? reason,
    reason,
    code: event.code,
  };
}

function annotationsJson(event: AuditEvent, options: LineOptions): object | undefined {
  const annotations = {
    'authorization.k8s.io/decision': unlessEmpty(event.decision),
    'authorization.k8s.io/reason': event.reason,
    ...options.annotations,
  };
  return Object.values(annotations).every((value) => value === undefined) ? undefined : annotations;
}
