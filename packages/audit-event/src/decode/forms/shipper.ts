import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { isAuditEvent } from './kubernetes.ts';
import { one, partOf } from './part.ts';
import type { Part, Unwrapped } from './part.ts';

/** Where log shippers put the event that they parsed: Filebeat, Fluent Bit (`Merge_Log_Key`), Logstash. */
const PARSED_KEYS = ['json', 'log', 'log_processed', 'message', 'audit'];

/** Where they put the line as they read it. */
const LINE_KEYS = ['log', 'message'];

/**
 * Log shippers: Fluent Bit and Docker (`log`), Vector, Logstash and Graylog (`message`), Filebeat
 * (`json`), Elastic Agent (`kubernetes.audit`, often inside a search hit's `_source`), OpenTelemetry
 * (`resourceLogs`). Events merged into the record itself are no matter of this function.
 */
export function unwrapShipper(record: JsonObject): Unwrapped | undefined {
  const { _source: source, kubernetes, resourceLogs } = record;
  if (isObject(source)) return one(partOf(source));
  if (isObject(kubernetes) && isObject(kubernetes['audit'])) return one(partOf(kubernetes['audit']));
  if (Array.isArray(resourceLogs)) return { parts: otlpBodies(resourceLogs), isList: false };
  for (const key of PARSED_KEYS) {
    const value = record[key];
    if (isObject(value) && isAuditEvent(value)) return one(partOf(value));
  }
  const lines = LINE_KEYS.map((key) => record[key]).filter((value) => typeof value === 'string');
  const line = lines.find((text) => text.includes('{')) ?? lines[0];
  return line === undefined ? undefined : one(partOf(line));
}

/** Source: https://opentelemetry.io/docs/specs/otlp/, `LogsData` in the JSON encoding. */
function otlpBodies(resourceLogs: readonly unknown[]): Part[] {
  const inner = (values: readonly unknown[], key: string): unknown[] =>
    values.flatMap((value): readonly unknown[] => {
      const found = isObject(value) ? value[key] : undefined;
      return Array.isArray(found) ? found : [];
    });
  return inner(inner(resourceLogs, 'scopeLogs'), 'logRecords').map((record) => {
    const body = isObject(record) ? record['body'] : undefined;
    const text = isObject(body) ? body['stringValue'] : undefined;
    return typeof text === 'string' ? partOf(text) : { kind: 'skipped', reason: 'not-an-audit-event' };
  });
}
