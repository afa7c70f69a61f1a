import { type AuditEvent, createIdentityHasher, encodeEvent, type Stage } from '@leastwise/audit-event';

import { attributesOfEvent, isLongRunning } from '../match/request-attributes.ts';
import type { RequestAttributes } from '../types.ts';

/** A request of a log, as far as another policy would decide about it. */
export interface RecordedRequest {
  readonly attributes: RequestAttributes;
  /** What it goes through; of these a policy logs some. */
  readonly stages: readonly Stage[];
  readonly receivedAtUs: number;
  /** About how long one of its events is at level Metadata. */
  readonly metadataBytes: number;
}

/** What became of an event: the first of a request is `new`. */
export type Folded = RecordedRequest | 'repeated' | 'unattributable';

/** What events hold besides what is read of them: level, stage time, source address, versions. */
const UNREAD_BYTES = 180;
const TWO_POW_32 = 2 ** 32;
/** Of the 64 bits of an identity, as many as a number keeps beside the other half. */
const HIGH_BITS = 0x1f_ff_ff;

/** The stages that a request with these attributes goes through, unless the API server panics. */
export function stagesOf(attributes: RequestAttributes): Stage[] {
  // Failed authentication is answered before the request gets to the handler that logs the other stages.
  if (attributes.user === undefined) return ['ResponseStarted'];
  return isLongRunning(attributes)
    ? ['RequestReceived', 'ResponseStarted', 'ResponseComplete']
    : ['RequestReceived', 'ResponseComplete'];
}

/** Makes requests of events: all stages and copies of a request are one. Keeps some 40 bytes for each request. */
export class RequestFold {
  readonly #identityOf: (event: AuditEvent, cluster: string) => number;
  readonly #seen = new Set<number>();

  /** @param keyHex - the key of request identities, 16 hexadecimal digits. @throws IdentityKeyError if malformed */
  constructor(keyHex: string) {
    const hasher = createIdentityHasher(keyHex);
    this.#identityOf = (event, cluster) => {
      const { hi, lo } = hasher.baseIdentityOf(event, cluster);
      return (hi & HIGH_BITS) * TWO_POW_32 + lo;
    };
  }

  /** The request that an event is the first of. */
  add(event: AuditEvent, cluster: string): Folded {
    const attributes = attributesOfEvent(event);
    if (attributes === undefined) return 'unattributable';
    const identity = this.#identityOf(event, cluster);
    if (this.#seen.has(identity)) return 'repeated';
    this.#seen.add(identity);
    const { receivedAtUs } = event;
    const metadataBytes = encodeEvent(event).length + UNREAD_BYTES;
    return { attributes, stages: stagesOf(attributes), receivedAtUs, metadataBytes };
  }
}
