import type { Stage } from '@leastwise/audit-event';

import type { PolicyMatch } from '../match/match-policy.ts';
import type { RequestAttributes } from '../types.ts';
import type { RecordedRequest } from './request.ts';

/** How much is logged. */
export interface Volume {
  readonly requests: number;
  readonly events: number;
  /** An estimate, since logs are read without their bodies: see {@link BODY_BYTES}. */
  readonly bytes: number;
}

/** Of requests that nothing is logged of. */
export const NO_VOLUME: Volume = { requests: 0, events: 0, bytes: 0 };

/**
 * Typical sizes of bodies, in bytes, without managedFields: an assumption, good for comparing policies. A list is as
 * long as what it lists.
 */
export const BODY_BYTES: Readonly<Record<string, { readonly request: number; readonly response: number }>> = {
  get: { request: 0, response: 3_000 },
  list: { request: 0, response: 40_000 },
  create: { request: 2_000, response: 3_000 },
  update: { request: 3_000, response: 3_000 },
  patch: { request: 500, response: 3_000 },
  delete: { request: 100, response: 600 },
  deletecollection: { request: 100, response: 20_000 },
};
/** What managedFields add to the body of an object. */
const MANAGED_FIELDS_FACTOR = 1.5;

/** What a policy logs of a request: its events and about how long they are. */
export function volumeOf(request: RecordedRequest, match: PolicyMatch): Volume {
  const logged = loggedOf(request, match);
  let bytes = 0;
  for (const stage of logged) bytes += request.metadataBytes + bodyBytes(request.attributes, match, stage);
  return { requests: 1, events: logged.length, bytes: Math.round(bytes) };
}

/** The stages of a request that a policy logs. */
export function loggedOf(request: Pick<RecordedRequest, 'stages'>, match: PolicyMatch): Stage[] {
  return request.stages.filter((stage) => match.stages.includes(stage));
}

/** Whether a policy logs how a request ended, which is what evidence rests on. */
export function isVisible(request: Pick<RecordedRequest, 'stages'>, match: PolicyMatch): boolean {
  return loggedOf(request, match).some((stage) => stage !== 'RequestReceived');
}

function bodyBytes(attributes: RequestAttributes, match: PolicyMatch, stage: Stage): number {
  // Bodies are objects of the API: other URLs have none that is logged.
  if (!attributes.isResourceRequest || stage === 'RequestReceived') return 0;
  const sizes = BODY_BYTES[attributes.verb];
  if (sizes === undefined || match.level === 'None' || match.level === 'Metadata') return 0;
  const isWhole = match.level === 'RequestResponse' && stage === 'ResponseComplete';
  const plain = sizes.request + (isWhole ? sizes.response : 0);
  return match.omitManagedFields ? plain : plain * MANAGED_FIELDS_FACTOR;
}

/** Both together. */
export function plus(a: Volume, b: Volume): Volume {
  return { requests: a.requests + b.requests, events: a.events + b.events, bytes: a.bytes + b.bytes };
}
