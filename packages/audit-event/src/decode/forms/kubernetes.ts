import { isKnownVersion, readEvent } from '../event-fields.ts';
import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { one, partOf, skip } from './part.ts';
import type { Part, Unwrapped } from './part.ts';

const AUDIT_GROUP = 'audit.k8s.io/';

/**
 * Kubernetes' own objects: an audit event, an `EventList` (whose items carry no kind), a v1 `List`,
 * and what only resembles them: core/v1 Events, admission reviews.
 */
export function unwrapKubernetes(record: JsonObject, wellFormed: boolean): Unwrapped | undefined {
  const { kind, apiVersion } = record;
  if (kind === 'AdmissionReview') return one(skip('admission-review'));
  if (kind === 'EventList' || kind === 'List') return unwrapList(record, kind, apiVersion);
  if (kind !== 'Event' && kind !== undefined) return undefined;
  if (typeof apiVersion === 'string') {
    if (apiVersion.startsWith(AUDIT_GROUP)) return one(eventPart(record, apiVersion, wellFormed));
    if (kind === 'Event' && (apiVersion === 'v1' || apiVersion.startsWith('events.k8s.io/'))) {
      return one(skip('core-event'));
    }
    return undefined;
  }
  // Old API servers leave apiVersion out of webhook batches, and the items of a list have neither.
  return hasEventFields(record) ? one(eventPart(record, undefined, wellFormed)) : undefined;
}

/** True for records that are an audit event by their own word, or by the fields that only audit events have together. */
export function isAuditEvent(record: JsonObject): boolean {
  const { kind, apiVersion } = record;
  if (kind !== 'Event' && kind !== undefined) return false;
  return typeof apiVersion === 'string' ? apiVersion.startsWith(AUDIT_GROUP) : hasEventFields(record);
}

function hasEventFields(record: JsonObject): boolean {
  return ['auditID', 'stage', 'requestURI'].every((name) => typeof record[name] === 'string');
}

function eventPart(record: JsonObject, apiVersion: string | undefined, wellFormed: boolean): Part {
  if (apiVersion !== undefined && !isKnownVersion(apiVersion)) {
    return { kind: 'bad', reason: 'unknown-version', detail: JSON.stringify(apiVersion.slice(0, 64)) };
  }
  const event = readEvent(record, wellFormed);
  return 'auditID' in event ? { kind: 'event', event } : { kind: 'bad', ...event };
}

function unwrapList(record: JsonObject, kind: string, apiVersion: unknown): Unwrapped | undefined {
  if (apiVersion === 'v1' && kind === 'EventList') return one(skip('core-event'));
  const items = record['items'] ?? [];
  if (!Array.isArray(items)) return one({ kind: 'bad', reason: 'invalid-field', detail: 'items' });
  if (items.length === 0) return one(skip('blank'));
  const isAudit = typeof apiVersion === 'string' && apiVersion.startsWith(AUDIT_GROUP);
  const parts = items.map((item: unknown) =>
    // The items of a typed list do not repeat its type.
    isAudit && isObject(item) ? partOf({ kind: 'Event', apiVersion, ...item }) : partOf(item),
  );
  return { parts, isList: true };
}
