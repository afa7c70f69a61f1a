import type { AuditEvent, BadReason, ObjectRef, Stage, UserInfo } from '../types.ts';
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { parseTimestamp } from './timestamp.ts';

/** Why a record that says it is an audit event cannot be used. `detail` names fields and never quotes a body. */
export interface Fault {
  readonly reason: BadReason;
  readonly detail: string;
}

/** What authorization and admission noted about a request. */
export interface Annotations {
  readonly decision: string;
  readonly reason: string | undefined;
}

/** How a request was answered. */
export interface ResponseStatus {
  readonly code: number;
  /** For 403 and 404 only, `''` otherwise. */
  readonly message: string;
}

/** An absent user. */
export const NO_USER: UserInfo = { username: '', uid: '', groups: [], extra: [] };
/** No annotations. */
export const NO_ANNOTATIONS: Annotations = { decision: '', reason: undefined };
/** No status, as at RequestReceived. */
export const NO_STATUS: ResponseStatus = { code: 0, message: '' };

/** Reads typed values out of parsed JSON as Go does (null is the zero value), and keeps the first fault it meets. */
export class FieldReader {
  fault: Fault | undefined;
  readonly #wellFormed: boolean;

  /**
   * `wellFormed`: whether the bytes of the record were UTF-8 throughout. Where they were not, a
   * U+FFFD in a string that is read may stand for bytes that were lost, so the string is refused.
   */
  constructor(wellFormed: boolean) {
    this.#wellFormed = wellFormed;
  }

  string(value: unknown, name: string): string {
    return this.optionalString(value, name) ?? '';
  }

  optionalString(value: unknown, name: string): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') {
      this.invalid(name, value);
      return undefined;
    }
    if (!this.#wellFormed && value.includes('\ufffd')) {
      this.fault ??= { reason: 'wrong-encoding', detail: `${name} is not UTF-8` };
    }
    return value;
  }

  /** Notes that the field has the wrong type or value, and gives back what to go on with. */
  invalid<T>(name: string, otherwise: T): T {
    this.fault ??= { reason: 'invalid-field', detail: name };
    return otherwise;
  }

  strings(value: unknown, name: string): readonly string[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) return this.invalid(name, []);
    return value.map((item: unknown) => this.string(item, name));
  }

  object(value: unknown, name: string): JsonObject | undefined {
    if (value === undefined || value === null) return undefined;
    if (isObject(value)) return value;
    this.invalid(name, value);
    return undefined;
  }
}

/**
 * The audit event that a JSON object of any `audit.k8s.io` version holds, by the plain way: the
 * oracle of the scanner. That it is an audit event at all has been found out before.
 */
export function readEvent(record: JsonObject, wellFormed: boolean): AuditEvent | Fault {
  const fields = new FieldReader(wellFormed);
  const annotations = readAnnotations(record['annotations'], fields);
  const status = readStatus(record['responseStatus'], fields);
  const impersonated = fields.object(record['impersonatedUser'], 'impersonatedUser');
  const event: AuditEvent = {
    auditID: fields.string(record['auditID'], 'auditID'),
    stage: readStage(record['stage'], fields),
    requestURI: fields.string(record['requestURI'], 'requestURI'),
    verb: fields.string(record['verb'], 'verb'),
    user: readUser(record['user'], fields, 'user'),
    impersonatedUser: impersonated && readUser(impersonated, fields, 'impersonatedUser'),
    userAgent: fields.string(record['userAgent'], 'userAgent'),
    objectRef: readObjectRef(record['objectRef'], fields),
    code: status.code,
    statusMessage: status.message,
    receivedAtUs: readReceivedAt(record, fields),
    decision: annotations.decision,
    reason: annotations.reason,
    impersonationConstraint: readConstraint(record['authenticationMetadata'], fields),
  };
  return fields.fault ?? event;
}

/** True for every version of `audit.k8s.io` that API servers have written. */
export function isKnownVersion(apiVersion: string): boolean {
  return (
    apiVersion === 'audit.k8s.io/v1' ||
    apiVersion === 'audit.k8s.io/v1beta1' ||
    apiVersion === 'audit.k8s.io/v1alpha1'
  );
}

/** `undefined` unless the text is one of the four stages. */
export function stageOf(text: string): Stage | undefined {
  switch (text) {
    case 'RequestReceived':
    case 'ResponseStarted':
    case 'ResponseComplete':
    case 'Panic':
      return text;
    default:
      return undefined;
  }
}

function readStage(value: unknown, fields: FieldReader): Stage {
  return stageOf(fields.string(value, 'stage')) ?? fields.invalid('stage', 'Panic');
}

/** A user; an absent one has no name. `name` is the field's, for faults. */
export function readUser(value: unknown, fields: FieldReader, name = 'user'): UserInfo {
  const user = fields.object(value, name);
  if (!user) return NO_USER;
  return {
    username: fields.string(user['username'], `${name}.username`),
    uid: fields.string(user['uid'], `${name}.uid`),
    groups: fields.strings(user['groups'], `${name}.groups`),
    extra: readExtra(user['extra'], fields, `${name}.extra`),
  };
}

/** Sorted by key, because the order in which a JavaScript object gives its keys is not the text's. */
function readExtra(value: unknown, fields: FieldReader, name: string): UserInfo['extra'] {
  const extra = fields.object(value, name);
  if (!extra) return [];
  return Object.keys(extra)
    .sort()
    .map((key) => [fields.string(key, name), fields.strings(extra[key], name)] as const);
}

/**
 * The API group of an object reference: v1alpha1 had no `apiGroup` and wrote `group/version` into
 * `apiVersion`. Source: conversion in `k8s.io/apiserver/pkg/apis/audit/v1alpha1`.
 */
export function groupOf(apiGroup: string, apiVersion: string): string {
  return apiGroup || apiVersion.slice(0, Math.max(apiVersion.lastIndexOf('/'), 0));
}

function readObjectRef(value: unknown, fields: FieldReader): ObjectRef | undefined {
  const ref = fields.object(value, 'objectRef');
  if (!ref) return undefined;
  const apiVersion = fields.string(ref['apiVersion'], 'objectRef.apiVersion');
  return {
    apiGroup: groupOf(fields.string(ref['apiGroup'], 'objectRef.apiGroup'), apiVersion),
    resource: fields.string(ref['resource'], 'objectRef.resource'),
    subresource: fields.string(ref['subresource'], 'objectRef.subresource'),
    namespace: fields.string(ref['namespace'], 'objectRef.namespace'),
    name: fields.string(ref['name'], 'objectRef.name'),
  };
}

/** `responseStatus`; code 0 where it is absent. */
export function readStatus(value: unknown, fields: FieldReader): ResponseStatus {
  const status = fields.object(value, 'responseStatus');
  if (!status) return NO_STATUS;
  const code = status['code'] ?? 0;
  if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 0x7fff_ffff) {
    return fields.invalid('responseStatus.code', NO_STATUS);
  }
  // Adding 0 makes the number -0, which JSON can write, the ordinary one.
  if (code !== 403 && code !== 404) return { code: code + 0, message: '' };
  return { code, message: fields.string(status['message'], 'responseStatus.message') };
}

/** Elastic Agent rewrites the dots of annotation keys; no plugin or webhook can choose such a key, names have no `_`. */
export function readAnnotations(value: unknown, fields: FieldReader): Annotations {
  const annotations = fields.object(value, 'annotations');
  if (!annotations) return NO_ANNOTATIONS;
  const read = (name: string) =>
    fields.optionalString(
      annotations[`authorization.k8s.io/${name}`] ?? annotations[`authorization_k8s_io/${name}`],
      `annotations.authorization.k8s.io/${name}`,
    );
  const decision = read('decision') ?? '';
  if (decision !== '' && decision !== 'allow' && decision !== 'forbid') {
    return fields.invalid('annotations.authorization.k8s.io/decision', NO_ANNOTATIONS);
  }
  return { decision, reason: read('reason') };
}

/** Source: KEP-5284, constrained impersonation. */
export function readConstraint(value: unknown, fields: FieldReader): string {
  const metadata = fields.object(value, 'authenticationMetadata');
  return fields.string(
    metadata?.['impersonationConstraint'],
    'authenticationMetadata.impersonationConstraint',
  );
}

/**
 * The older versions knew only the time of the stage, as `timestamp`, and stamped the object's
 * creation. Those keys are the shipper's as often, so what is no time there is passed over.
 */
function readReceivedAt(record: JsonObject, fields: FieldReader): number {
  const received = fields.string(record['requestReceivedTimestamp'], 'requestReceivedTimestamp');
  if (received !== '') return parseTimestamp(received) ?? fields.invalid('requestReceivedTimestamp', 0);
  const metadata = record['metadata'];
  const fallbacks = [
    record['timestamp'],
    isObject(metadata) ? metadata['creationTimestamp'] : undefined,
    record['stageTimestamp'],
  ];
  for (const fallback of fallbacks) {
    const us = typeof fallback === 'string' ? parseTimestamp(fallback) : undefined;
    if (us !== undefined) return us;
  }
  fields.fault ??= { reason: 'no-timestamp', detail: 'requestReceivedTimestamp' };
  return 0;
}
