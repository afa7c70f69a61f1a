import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { one, partOf, skip } from './part.ts';
import type { Unwrapped } from './part.ts';

/** `kube-audit-admin` is `kube-audit` without the reading verbs; a diagnostic setting may send both. */
const AUDIT_CATEGORIES: ReadonlySet<unknown> = new Set(['kube-audit', 'kube-audit-admin', undefined]);

/**
 * AKS diagnostic settings: `{"records":[…]}` from an event hub, or one record a line from a storage
 * account. `properties` is an object or its JSON, and so is its `log`.
 * Source: https://learn.microsoft.com/azure/aks/monitor-aks-reference#resource-logs
 */
export function unwrapAzure(record: JsonObject): Unwrapped | undefined {
  const { records, properties, category } = record;
  if (Array.isArray(records)) {
    return records.length === 0
      ? one(skip('blank'))
      : { parts: records.map((value: unknown) => ({ kind: 'value', value })), isList: true };
  }
  if (isObject(properties) && properties['log'] !== undefined) {
    return one(AUDIT_CATEGORIES.has(category) ? partOf(properties['log']) : skip('other-log-stream'));
  }
  if (typeof category !== 'string' || properties === undefined) return undefined;
  if (!AUDIT_CATEGORIES.has(category)) return one(skip('other-log-stream'));
  // The JSON of `properties` is `{"log":…}`, which is a wrapping of its own.
  return typeof properties === 'string' ? one(partOf(properties)) : undefined;
}
