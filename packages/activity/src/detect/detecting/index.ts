export { BASELINE_DAYS, Detecting, type DetectingOptions } from './detecting.ts';
export type { Sample } from './evidence.ts';
export type { DetectionFinding, Detections, FindingKind } from './finding.ts';
