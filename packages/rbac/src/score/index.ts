export { ASKED_RESOURCES, BUILT_IN_RESOURCES, BUILT_IN_URLS, type KnownResource } from './built-in.ts';
export type { SensitiveExcess, SensitiveKind } from './sensitive.ts';
export { type ClusterScoreInput, scoreCluster } from './score-cluster.ts';
export {
  MAX_SCORED_CELLS,
  type ScoreInput,
  scoreSubject,
  type Severity,
  severityOf,
  type SubjectScore,
} from './score-subject.ts';
export type { Sight, SightOf } from './sight.ts';
export { Universe, type UniverseInput, type UniverseResource } from './universe.ts';
export type { UsedCell } from './usage.ts';
