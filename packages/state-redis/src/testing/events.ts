import type { AuditEvent } from '@leastwise/audit-event';
import { auditEvent, createRandom, requestTarget, requestTo, START_US, userInfo } from '@leastwise/testkit';

/** One record of a log, in few words. Records of one number are copies and stages of one request. */
export interface LogEvent {
  readonly n: number;
  readonly us: number;
  readonly cluster: string;
  readonly user: string;
  readonly verb: 'get' | 'delete';
  readonly namespace: string;
  readonly name: string;
  /** `received` knows no outcome, `nobody` could not say who he was. */
  readonly kind: 'allowed' | 'denied' | 'received' | 'nobody';
}

/** What logs are made of. */
export interface LogShape {
  readonly events: number;
  readonly seed: number;
  /** So that the requests of different partitions are different ones. */
  readonly firstNumber?: number;
  readonly users?: number;
  readonly names?: number;
  /** Between one request and the next, on average. */
  readonly stepUs?: number;
  /** How far some of them are behind. */
  readonly lateUs?: number;
  readonly clusters?: readonly string[];
}

/** Names that want to be something else. */
export const HOSTILE_CLUSTERS = ['__proto__', 'a","b', '{x}', 'c\u0000\u001f', '["a","', '🦆', ''] as const;

/** A log with copies, stages, refusals and late ones; the same for the same shape. */
export function makeLog(shape: LogShape): LogEvent[] {
  const { users = 4, names = 6, stepUs = 90_000_000, lateUs = 14_000_000_000 } = shape;
  const { clusters = ['main', 'edge'] } = shape;
  const random = createRandom(shape.seed);
  const log: LogEvent[] = [];
  let us = START_US;
  for (let n = shape.firstNumber ?? 0; log.length < shape.events; n += 1) {
    us += random.int(2 * stepUs);
    const event: LogEvent = {
      n,
      us: random.int(6) === 0 ? us - random.int(lateUs) : us,
      cluster: random.pick(clusters),
      user: `user-${random.int(users)}`,
      verb: random.int(3) === 0 ? 'delete' : 'get',
      namespace: `ns-${random.int(3)}`,
      name: `pod-${random.int(names)}`,
      kind: random.pick(['allowed', 'allowed', 'allowed', 'denied', 'nobody'] as const),
    };
    if (random.int(3) === 0) log.push({ ...event, kind: 'received' });
    if (random.int(8) !== 0) log.push(event);
    if (random.int(4) === 0) log.push(event);
    // A shipper's retry, of something a while ago.
    const earlier = log[log.length - 1 - random.int(Math.min(log.length, 60) || 1)];
    if (earlier && random.int(8) === 0) log.push(earlier);
  }
  return log.slice(0, shape.events);
}

/** Which of a few bindings allowed a request; `undefined` where the API server did not say. */
export function granterOf({ n, kind }: LogEvent): { namespace: string; name: string } | undefined {
  if (kind !== 'allowed' || n % 4 === 3) return undefined;
  return { namespace: `ns-${n % 2}`, name: `granter "${n % 3}"` };
}

/** The record as an API server would have logged it. */
export function auditEventOf(event: LogEvent): AuditEvent {
  const { n, us, user, verb, namespace, name, kind } = event;
  const granter = granterOf(event);
  const request = {
    ...requestTo(requestTarget({ verb, resource: 'pods', namespace, name })),
    auditID: `audit-${n}`,
    receivedAtUs: us,
    user: userInfo({ username: user }),
  };
  switch (kind) {
    case 'allowed':
      return auditEvent({ ...request, reason: granter && reasonOf(granter, user) });
    case 'denied':
      return auditEvent({ ...request, code: 403, decision: 'forbid', reason: '' });
    case 'received':
      return auditEvent({ ...request, stage: 'RequestReceived', code: 0, decision: '', reason: undefined });
    case 'nobody':
      return auditEvent({
        ...request,
        stage: 'ResponseStarted',
        code: 401,
        decision: '',
        reason: undefined,
      });
  }
}

function reasonOf({ namespace, name }: { namespace: string; name: string }, user: string): string {
  return `RBAC: allowed by RoleBinding ${JSON.stringify(`${name}/${namespace}`)} of Role "r" to User "${user}"`;
}
