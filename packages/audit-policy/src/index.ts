export type * from './types.ts';
export { AUDIT_LEVELS, AUDIT_STAGES, levelRank } from './types.ts';
export { loggedStages, matchPolicy, type PolicyMatch } from './match/match-policy.ts';
export {
  attributesOfEvent,
  attributesOfNamed,
  isLongRunning,
  type NamedRequest,
} from './match/request-attributes.ts';
export { type AuditPolicies, readAuditPolicies } from './model/read-audit-policies.ts';
export { type SolePolicy, solePolicy } from './model/sole-policy.ts';
export {
  type GrantSight,
  type Hiding,
  PolicyObservability,
  type SubjectObservability,
} from './observability/observability.ts';
export { DETECTION_NEEDS, type DetectionNeed, type ProbeSpec } from './detections-needs.ts';
export type { LintOptions } from './lint/check.ts';
export {
  LINT_CATALOGUE,
  type LintInfo,
  lintPolicy,
  type PolicyFinding,
  problemFinding,
} from './lint/lint-policy.ts';
export { describeRequest, type DetectionVisibility, detectionVisibility } from './visibility.ts';
export {
  type DetectionChange,
  type PolicyChange,
  PolicyComparing,
  type PolicyComparison,
  sightChange,
} from './diff/compare-policies.ts';
export { BudgetTuning, type GeneratedPolicy, generatePolicy } from './generate/generate-policy.ts';
export { POLICY_PRESETS, type PolicyPreset } from './generate/presets.ts';
export { type Folded, type RecordedRequest, RequestFold, stagesOf } from './simulate/request.ts';
export type { SubjectSight, SubjectSights } from './simulate/seen-subjects.ts';
export {
  type LogSpan,
  perDay,
  PolicySimulation,
  type RuleVolume,
  type Simulation,
} from './simulate/simulate.ts';
export { BODY_BYTES, isVisible, type Volume } from './simulate/volume.ts';
export { type ClusterPolicies, readClusterPolicies } from './observability/cluster-policies.ts';
