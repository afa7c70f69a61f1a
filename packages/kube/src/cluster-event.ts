import { createHash } from 'node:crypto';

import { applyObject, type Writing } from './apply.ts';
import { wellFormed } from './json-value.ts';

/** What happened to an object, for `kubectl describe` and `kubectl get events`. */
export interface ClusterEvent {
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
  };
  readonly type: 'Normal' | 'Warning';
  /** In one word, `RBACViolation`. */
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

const MAX_NOTE = 1024;
const MAX_PREFIX = 200;

/**
 * Tells of something that happened. An event of a cluster-scoped object is kept in the namespace `default`, as the API
 * server wants it.
 * @param source - who tells it, `leastwise.dev/auditor`
 * @throws KubeError
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export async function recordEvent(writing: Writing, source: string, event: ClusterEvent): Promise<void> {
  const { regarding, type, reason, action } = event;
  const nowMs = writing.waiting.now();
  const namespace = regarding.namespace ?? 'default';
  const note = wellFormed(event.note);
  const text = note.length <= MAX_NOTE ? note : `${note.slice(0, MAX_NOTE - 1)}…`;
  const hash = createHash('sha256')
    .update(JSON.stringify([regarding, reason, text, nowMs]))
    .digest('hex')
    .slice(0, 16);
  const prefix = regarding.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_PREFIX)
    .replace(/^-+|-+$/g, '');
  const name = prefix === '' ? `event.${hash}` : `${prefix}.${hash}`;
  await applyObject(
    writing,
    `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events/${name}`,
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: `${new Date(nowMs).toISOString().slice(0, -1)}000Z`,
      reportingController: source,
      reportingInstance: source,
      type,
      reason,
      action,
      note: text,
      regarding,
    },
  );
}
