import { LogError } from '@leastwise/source';
import type { LogFailure } from '@leastwise/source';

const REFUSALS: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'KafkaJSSASLAuthenticationError',
]);

/** What Node and OpenSSL say where a certificate is not accepted, by either side. */
const TLS_REFUSAL = /certificate|self.signed|\bssl3?_|handshake failure|wrong version number|altname/i;

/** One error of a chain of causes. */
interface Link {
  readonly name: string;
  readonly type: string;
  readonly message: string;
}

/** Whether waiting cannot help: wrong credentials, missing permissions, certificates that are not accepted. */
export function isRefusal(error: unknown): boolean {
  return links(error).some(
    ({ name, type, message }) => REFUSALS.has(type) || REFUSALS.has(name) || TLS_REFUSAL.test(message),
  );
}

/** Whether an error of Kafka's protocol, such as `MESSAGE_TOO_LARGE`, is in the chain. */
export function hasType(error: unknown, ...types: readonly string[]): boolean {
  return links(error).some(({ type }) => types.includes(type));
}

/** The error as one of ours; one that is ours already stays as it is. */
export function toLogError(failure: LogFailure, what: string, cause: unknown): LogError {
  if (cause instanceof LogError) return cause;
  return new LogError(failure, `${what}: ${rootMessage(cause)}`, { cause });
}

/** What the innermost cause says. */
export function rootMessage(error: unknown): string {
  const last = links(error).at(-1);
  return last === undefined || last.message === '' ? String(error) : last.message;
}

function links(error: unknown): readonly Link[] {
  const found: Link[] = [];
  const seen = new Set<unknown>();
  let next = error;
  while (next instanceof Error && !seen.has(next)) {
    seen.add(next);
    found.push({ name: next.name, type: text(next, 'type'), message: next.message });
    next = next.cause ?? Reflect.get(next, 'originalError');
  }
  return found;
}

function text(error: Error, key: string): string {
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' ? value : '';
}
