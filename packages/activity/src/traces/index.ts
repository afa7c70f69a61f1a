export {
  type ActivityDay,
  activityDayOf,
  dayFor,
  dayStartUs,
  MAX_ACTORS,
  mergeDay,
  STATE_TRACE_LIMITS,
  type TraceGone,
  type TraceLimits,
  trimDay,
} from './activity-day.ts';
export {
  type ActorActivity,
  mergeCounts,
  mergeTempos,
  newActor,
  quarterStartUs,
  type Tempo,
  tempoAt,
  type Tempos,
  verbAt,
} from './actor-activity.ts';
export type { CappedMap, Count } from './capped-map.ts';
export type { QueryHints } from './query-hints.ts';
export { type KeptTrace, MAX_CODE, MAX_STAGE_RANK, type TraceShape } from './trace.ts';
export { daysToKeep, REPORT_HISTORY_DAYS, TRACE_RETENTION, type TraceRetention } from './trace-retention.ts';
export {
  observeTrace,
  type SeenTrace,
  type TracedEvent,
  tracedIdentity,
  TraceReader,
} from './trace-reader.ts';
