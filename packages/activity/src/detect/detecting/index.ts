export { BASELINE_DAYS, Detecting, type DetectingOptions } from './detecting.ts';
export {
  type Evidence,
  firstSamples,
  type Gist,
  MAX_SAMPLES,
  mergeEvidence,
  noEvidence,
  type RequestRun,
  type Sample,
  sampleOf,
} from './evidence.ts';
export type { DetectionFinding, Detections, FindingKind } from './finding.ts';
export { type KeyDay, noKeyDay } from './matches.ts';
