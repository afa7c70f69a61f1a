import type { AuditEvent } from '@leastwise/audit-event';
import {
  auditEvent,
  auditEventLine,
  HOSTILE_TEXTS,
  HOSTILE_USERNAMES,
  KINDS,
  NAMESPACES,
  type Random,
  requestTarget,
  requestTo,
  serviceAccountActor,
  START_US,
  userActor,
  VERBS,
} from '@leastwise/testkit';

/** What a log of these tests is like. */
export interface LogShape {
  readonly random: Random;
  readonly requests: number;
  /** Default: {@link START_US}. */
  readonly startUs?: number;
  /** Over which time the requests are spread; 20 hours. */
  readonly spanUs?: number;
}

const ACTORS = [
  ...NAMESPACES.flatMap((namespace) =>
    ['app', 'deployer'].map((name) => serviceAccountActor(namespace, name)),
  ),
  ...['alice', 'bob', 'carol@example.com', ...HOSTILE_USERNAMES].map((name) => userActor(name)),
];
/** A segment of a URL is no slash, and `%` is left to tests of escaping. */
const NAMES = [
  'web',
  'api',
  'leader',
  'kube-root-ca.crt',
  ...HOSTILE_TEXTS.filter((name) => !/[%/]/u.test(name)),
];
const AGENTS = ['kubectl/v1.34.0 (linux/amd64) kubernetes/abcdef0', 'Helm/3.16.2', 'shop/v0.0.0', ''];
/** What is asked of them is more than verb, name and namespace. */
const SPECIAL = ['proxy', 'exec', 'portforward', 'eviction', 'token', 'finalize'];
const HOUR_US = 3_600_000_000;

/** An auditID like the API server's own. */
export function randomID(random: Random): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => random.int(16).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}

function targetOf(random: Random): ReturnType<typeof requestTarget> {
  const kind = random.pick(KINDS);
  const { apiGroup, version, resource } = kind;
  const sub = random.next() < 0.15 ? random.pick(['', ...kind.subresources.map(({ name }) => name)]) : '';
  const subresource = SPECIAL.includes(sub) ? '' : sub;
  const namespace = kind.isNamespaced ? random.pick(NAMESPACES) : '';
  // What happens to namespaces decides what is rendered of them.
  if (resource === 'namespaces') {
    const name = random.pick(NAMESPACES);
    return requestTarget({ version, resource, namespace: name, name });
  }
  const verb = subresource === '' ? random.pick(VERBS) : 'get';
  const isNamed = !['list', 'watch', 'create', 'deletecollection'].includes(verb);
  const name = isNamed ? random.pick(NAMES) : '';
  const bodyName = verb === 'create' ? random.pick(NAMES) : '';
  return requestTarget({ verb, apiGroup, version, resource, subresource, namespace, name, bodyName });
}

/** One request of somebody for something, as the event that its end is logged by. */
export function randomRequest(random: Random, receivedAtUs: number): AuditEvent {
  const target = targetOf(random);
  const isAllowed = random.next() < 0.95;
  return auditEvent({
    ...requestTo(target),
    auditID: randomID(random),
    user: random.pick(ACTORS).user,
    userAgent: random.pick(AGENTS),
    receivedAtUs,
    code: isAllowed ? (target.verb === 'create' ? 201 : 200) : 403,
    decision: isAllowed ? 'allow' : 'forbid',
    ...(isAllowed ? {} : { reason: '' }),
  });
}

/** The stages that are logged of a request: its arrival now and then, sometimes nothing else. */
function stagesOf(random: Random, last: AuditEvent): AuditEvent[] {
  const stages: AuditEvent[] = [];
  const dice = random.next();
  if (dice < 0.1) {
    const unknown = { code: 0, decision: '', reason: undefined } as const;
    stages.push({ ...last, ...unknown, stage: 'RequestReceived' });
  }
  if (last.verb === 'watch' && last.code === 200) stages.push({ ...last, stage: 'ResponseStarted' });
  if (dice >= 0.02) stages.push(last);
  return stages;
}

/**
 * The log of an API server: requests of service accounts and of people with hostile names, with all their stages.
 * Some carry an auditID that another one had.
 */
export function auditLines({
  random,
  requests,
  startUs = START_US,
  spanUs = 20 * HOUR_US,
}: LogShape): string[] {
  const used: string[] = [];
  const lines: string[] = [];
  for (let i = 0; i < requests; i += 1) {
    const receivedAtUs = startUs + Math.floor((i + random.next()) * (spanUs / requests));
    const request = randomRequest(random, receivedAtUs);
    const auditID = used.length > 0 && random.next() < 0.02 ? random.pick(used) : request.auditID;
    used.push(auditID);
    for (const stage of stagesOf(random, { ...request, auditID })) lines.push(auditEventLine(stage));
  }
  return lines;
}

/** Records that are no audit events, each in another way. */
export function poison(random: Random): Buffer {
  const id = randomID(random);
  const texts = [
    `not JSON ${id}`,
    `{"kind":"Event","auditID":"${id}`,
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"${id}","stage":"ResponseComplete"}`,
    `{"auditID":"${id}","nested":${'['.repeat(2000)}${']'.repeat(2000)},"kind":"Event"`,
  ];
  const dice = random.int(texts.length + 1);
  const text = texts[dice];
  return text === undefined ? Buffer.from([0xff, 0xfe, 0x00, ...Buffer.from(id), 0x80]) : Buffer.from(text);
}
