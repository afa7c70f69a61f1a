export { activityReport, ActivityReportBuilder, type ReportRemarks, type SeenIdentities } from './builder.ts';
export type { ReportOptions } from './collect.ts';
export type { Detected } from './detected.ts';
export {
  type Certainty,
  type Command,
  type CommandOutcome,
  commandText,
  inferCommands,
} from './commands/index.ts';
export {
  detectedIn,
  type DetectedPeriod,
  detectionNotes,
  type StateDetections,
  stateRemarks,
} from './detections.ts';
export { dayText, isOffHours, type LocalTime, parseOfficeHours, utcTime } from './local-time.ts';
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
export { pseudonymKeyProblem, pseudonymsBy } from './pseudonyms.ts';
export { type TimeZone, timeZoneNamed } from './time-zone.ts';
export { redactCommand } from '../traces/redact.ts';
