import type { Subject } from '@leastwise/audit-event';

import { encodeSegment, foldSegment, percentEncode } from './encode-segment.ts';

const MAX_BYTES = 100;

/**
 * The folder of a subject's policies: `serviceaccount-<namespace>.<name>`, `user-<name>` or `group-<name>`, encoded
 * as {@link encodeSegment} does. Different subjects have different folders, also where letter case does not count.
 */
export function subjectFolder(subject: Subject): string {
  switch (subject.kind) {
    case 'ServiceAccount': {
      // A dot in the namespace, which Kubernetes does not allow but a log may hold, must not look like the separator.
      const namespace = percentEncode(subject.namespace).replaceAll('.', '%2e');
      return fold(`serviceaccount-${namespace}.${percentEncode(subject.name)}`);
    }
    case 'User':
      return fold(`user-${percentEncode(subject.name)}`);
    case 'Group':
      return fold(`group-${percentEncode(subject.name)}`);
  }
}

/** The folder of a cluster, below `clusters/` and `reports/`; see {@link encodeSegment}. */
export function clusterFolder(cluster: string): string {
  return encodeSegment(cluster, MAX_BYTES);
}

/** The folder of a namespace; see {@link encodeSegment}. A valid namespace is its own folder, but for `con` and the like. */
export function namespaceFolder(namespace: string): string {
  return encodeSegment(namespace, MAX_BYTES);
}

/** Windows drops a dot at the end. No other `%2e` stands at an end, so that this one is unambiguous. */
function fold(lossless: string): string {
  return foldSegment(lossless.replace(/\.$/, '%2e'), MAX_BYTES);
}
