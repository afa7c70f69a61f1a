export {
  ActivityReportBuilder,
  type Detected,
  MAX_ACTORS,
  type ReportOptions,
  type SeenIdentities,
} from './builder.ts';
export {
  type Certainty,
  type Command,
  type CommandOutcome,
  commandText,
  inferCommands,
} from './commands/index.ts';
export { detectedIn, type DetectedPeriod, detectionNotes } from './detections.ts';
export { dayText, isOffHours, type LocalTime, utcTime } from './local-time.ts';
export type {
  ActivityReport,
  ActorKind,
  ChangeRow,
  CommandRow,
  CommandRows,
  HeatDay,
  More,
  OfficeHours,
  PersonReport,
  Requests,
  UnusualRow,
  UnusualSeverity,
} from './model.ts';
export type { PseudonymOf } from './names.ts';
export { redactCommand } from './redact.ts';
