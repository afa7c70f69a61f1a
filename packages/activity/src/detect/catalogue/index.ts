export { type DetectedInEvent, DETECTIONS, detectInEvent, KEPT_DETECTIONS, toldFrom } from './catalogue.ts';
export { factsOf } from './facts.ts';
export {
  createSettings,
  DEFAULT_SYSTEM_IDENTITIES,
  isSystemPattern,
  MAX_SYSTEM_PATTERNS,
  type Settings,
  type SettingsOptions,
  settingsWithSystem,
} from './settings.ts';
export {
  type BaselineDetection,
  type Detection,
  DETECTION_SEVERITIES,
  type DetectionInfo,
  type DetectionSeverity,
  type EventDetection,
  type EventFacts,
  type Match,
  type UnavailableDetection,
  type WindowDetection,
} from './types.ts';
export {
  addToTallies,
  addToTally,
  type Contribution,
  MAX_GROUPS,
  mergeTallies,
  newTallies,
  newTally,
  type WindowTallies,
  type WindowTally,
} from './window-tally.ts';
