import { textAt, valueAt } from '../json-value.ts';
import { parsed } from '../request.ts';
import { type KubeObject, toKubeObject } from './kube-object.ts';

/** One line of a watch. */
export type WatchEvent =
  | { readonly kind: 'set' | 'deleted'; readonly object: KubeObject }
  /** Nothing happened up to this version. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server cannot go on from the version that was asked for. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Reads a line of a watch. What cannot be read is a failure: to pass over it would be a gap.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function readWatchEvent(line: string): WatchEvent {
  const event = parsed(line);
  const type = textAt(event, 'type');
  const value = valueAt(event, 'object');
  if (type === 'ERROR') {
    if (valueAt(value, 'code') === 410) return { kind: 'expired' };
    return { kind: 'failed', message: textAt(value, 'message') || 'an error without a message' };
  }
  if (type === 'BOOKMARK') {
    const resourceVersion = textAt(value, 'metadata', 'resourceVersion');
    if (resourceVersion !== '') return { kind: 'bookmark', resourceVersion };
  }
  const object = toKubeObject(value);
  if (object === undefined || object.resourceVersion === '') {
    return { kind: 'failed', message: 'a line that is no event' };
  }
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'set', object };
    case 'DELETED':
      return { kind: 'deleted', object };
    default:
      return { kind: 'failed', message: 'an event of an unknown type' };
  }
}
