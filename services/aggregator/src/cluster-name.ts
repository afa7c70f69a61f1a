import type { LogRecord } from '@leastwise/source';

/** Where the name of a cluster comes from; never from the event itself, whose every byte its sender may choose. */
export interface ClusterRules {
  readonly name: string;
  readonly header: string | undefined;
  /** With a group named `cluster`. */
  readonly topicPattern: RegExp | undefined;
}

/** Names the cluster of events that were produced again. */
export const CLUSTER_HEADER = 'leastwise-cluster';
/** When the record was made that such an event came in, in milliseconds. Kafka keeps its own copy by a time of its own. */
export const TIME_HEADER = 'leastwise-time';

/**
 * The cluster of a record's events, where the record has no field that says so: header, topic, the one configured.
 * What was produced again carries the name that it had.
 */
export function clusterOf(record: LogRecord, topic: string, rules: ClusterRules): string {
  const { header, topicPattern, name } = rules;
  const named = header === undefined ? undefined : record.headers.get(header);
  if (named !== undefined && named.length > 0) return Buffer.from(named).toString('utf8');
  return topicPattern?.exec(topic)?.groups?.['cluster'] ?? name;
}
