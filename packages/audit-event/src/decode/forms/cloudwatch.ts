import { gunzipSync } from 'node:zlib';

import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { one, partOf, skip } from './part.ts';
import type { Part, Unwrapped } from './part.ts';

/** A subscription's payload is at most 6 MB (the event limit of AWS Lambda); this is its bound when unpacked. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** The streams that EKS writes beside `kube-apiserver-audit-…`, in the same log group. */
const OTHER_EKS_STREAM =
  /^(?:kube-apiserver-(?!audit)|authenticator-|kube-controller-manager-|cloud-controller-manager-|kube-scheduler-)/;

/** True for the streams of an EKS control plane that hold no audit events, but text that quotes its clients. */
export function isOtherEksStream(name: unknown): boolean {
  return typeof name === 'string' && OTHER_EKS_STREAM.test(name);
}

/**
 * EKS through CloudWatch Logs: a subscription's message, the same packed for Lambda, and the answer
 * of `filter-log-events` or `get-log-events`.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
 */
export function unwrapCloudWatch(record: JsonObject): Unwrapped | undefined {
  const { messageType, logEvents, logStream, events } = record;
  if (messageType === 'CONTROL_MESSAGE') return one(skip('other-log-stream'));
  if (Array.isArray(logEvents)) {
    return messages(logEvents, (event) => messagePart(event, event['logStreamName'] ?? logStream), false);
  }
  if (Array.isArray(events) && events.every((event) => isObject(event) && 'message' in event)) {
    return messages(events, (event) => messagePart(event, event['logStreamName']), true);
  }
  return undefined;
}

/**
 * What a Lambda function is called with: `{"awslogs":{"data":"<base64 of gzip>"}}`. Only to be used
 * on outermost records: packed records inside packed records would multiply without bound.
 */
export function unwrapAwsLogs(record: JsonObject): Unwrapped | undefined {
  const awslogs = record['awslogs'];
  if (!isObject(awslogs) || typeof awslogs['data'] !== 'string') return undefined;
  try {
    const packed = Buffer.from(awslogs['data'], 'base64');
    const bytes = gunzipSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
    return { parts: [{ kind: 'bytes', bytes }], isList: true };
  } catch {
    return one({ kind: 'bad', reason: 'invalid-compression', detail: 'awslogs.data' });
  }
}

function messages(events: readonly unknown[], part: (event: JsonObject) => Part, isList: boolean): Unwrapped {
  if (events.length === 0) return one(skip('blank'));
  return {
    parts: events.map((event) => (isObject(event) ? part(event) : skip('not-an-audit-event'))),
    isList,
  };
}

function messagePart(event: JsonObject, stream: unknown): Part {
  if (isOtherEksStream(stream)) return skip('other-log-stream');
  return event['message'] === undefined ? skip('not-an-audit-event') : partOf(event['message']);
}
