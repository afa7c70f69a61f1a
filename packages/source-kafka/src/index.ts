export { clusterId, committedOffset, endOffsets } from './committed.ts';
export { openKafkaLog, openKafkaWriter } from './kafka-log.ts';
export type {
  KafkaConnection,
  KafkaLogLine,
  KafkaLogOptions,
  KafkaSasl,
  KafkaTls,
  KafkaWriterOptions,
} from './options.ts';
export {
  type GroupStanding,
  groupStanding,
  type PartitionEnds,
  type TopicKeeping,
  type TopicStanding,
  topicStandings,
} from './standing.ts';
export type { KafkaWriter } from './writer.ts';
