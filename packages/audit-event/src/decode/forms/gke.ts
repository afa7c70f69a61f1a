import type { AuditEvent } from '../../types.ts';
import { FieldReader } from '../event-fields.ts';
import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { parseTimestamp } from '../timestamp.ts';
import { parseMethod } from './gke-method.ts';
import type { GkeMethod } from './gke-method.ts';
import { one, skip } from './part.ts';
import type { Unwrapped } from './part.ts';

/**
 * HTTP statuses of google.rpc.Code, by the mapping of its own comments.
 * Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const HTTP_OF_RPC: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/**
 * GKE's Kubernetes audit log, a Cloud Audit LogEntry. Verb, group, resource and subresource are in
 * `methodName`, namespace and name in `resourceName`, refusal in `status`. There is no requestURI:
 * one is put together that asks for the same, so that attributes come from it as from any other.
 * A request that created by PUT or PATCH cannot be told here, for it has no HTTP status, nor can an
 * impersonated user. Entries of Google's own services (`container.googleapis.com`, …) are skipped.
 * Source: https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging
 */
export function unwrapGke(record: JsonObject, wellFormed: boolean): Unwrapped | undefined {
  const payload = record['protoPayload'];
  if (!isObject(payload)) return undefined;
  const { serviceName, methodName } = payload;
  const ours =
    serviceName === 'k8s.io' || (serviceName === undefined && String(methodName).startsWith('io.k8s.'));
  if (!ours) return one(skip('gke-other-service'));
  const fields = new FieldReader(wellFormed);
  const method = parseMethod(
    fields.string(methodName, 'protoPayload.methodName'),
    fields.string(payload['resourceName'], 'protoPayload.resourceName'),
  );
  if (!method) fields.invalid('protoPayload.methodName', undefined);
  const event = method && readEntry(record, payload, method, fields);
  if (fields.fault || !event)
    return one({ kind: 'bad', reason: 'invalid-field', detail: '', ...fields.fault });
  return one({ kind: 'event', event });
}

function readEntry(
  record: JsonObject,
  payload: JsonObject,
  method: GkeMethod,
  fields: FieldReader,
): AuditEvent {
  const operation = isObject(record['operation']) ? record['operation'] : {};
  const labels = isObject(record['labels']) ? record['labels'] : {};
  const authentication = fields.object(payload['authenticationInfo'], 'protoPayload.authenticationInfo');
  const request = fields.object(payload['requestMetadata'], 'protoPayload.requestMetadata');
  const status = readStatus(payload, fields);
  const decision = fields.string(labels['authorization.k8s.io/decision'], 'labels');
  return {
    auditID: fields.string(operation['id'], 'operation.id') || fields.string(record['insertId'], 'insertId'),
    stage: operation['first'] === true && operation['last'] !== true ? 'ResponseStarted' : 'ResponseComplete',
    requestURI: method.requestURI,
    verb: method.verb,
    user: {
      username:
        fields.string(authentication?.['principalEmail'], 'principalEmail') ||
        fields.string(authentication?.['principalSubject'], 'principalSubject'),
      uid: '',
      groups: [],
      extra: [],
    },
    impersonatedUser: undefined,
    userAgent: fields.string(request?.['callerSuppliedUserAgent'], 'callerSuppliedUserAgent'),
    objectRef: method.ref,
    ...status,
    receivedAtUs: readTime(record, fields),
    decision:
      decision === '' || decision === 'allow' || decision === 'forbid'
        ? decision
        : fields.invalid('labels', ''),
    reason: fields.optionalString(labels['authorization.k8s.io/reason'], 'labels'),
    impersonationConstraint: '',
  };
}

function readStatus(payload: JsonObject, fields: FieldReader): { code: number; statusMessage: string } {
  const status = fields.object(payload['status'], 'protoPayload.status');
  const rpc = status?.['code'] ?? 0;
  if (typeof rpc !== 'number' || !Number.isInteger(rpc) || rpc < 0 || rpc > 999) {
    return fields.invalid('protoPayload.status.code', { code: 0, statusMessage: '' });
  }
  const infos: unknown = payload['authorizationInfo'];
  const refused = Array.isArray(infos) && infos.some((info) => isObject(info) && info['granted'] === false);
  const code = refused ? 403 : (HTTP_OF_RPC[rpc] ?? rpc);
  const message = fields.string(status?.['message'], 'protoPayload.status.message');
  return { code, statusMessage: code === 403 || code === 404 ? message : '' };
}

function readTime(record: JsonObject, fields: FieldReader): number {
  for (const name of ['timestamp', 'receiveTimestamp']) {
    const text = fields.string(record[name], name);
    if (text !== '') return parseTimestamp(text) ?? fields.invalid(name, 0);
  }
  fields.fault ??= { reason: 'no-timestamp', detail: 'timestamp' };
  return 0;
}
