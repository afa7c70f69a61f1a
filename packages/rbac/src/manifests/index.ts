export { type Located, MAX_MANIFEST_PROBLEMS } from './collector.ts';
export { type LocatedManifests, locateManifests, type Manifests, parseManifests } from './manifests.ts';
export type { ManifestProblem, ManifestReason } from './problem.ts';
export type { ServiceAccountManifest, WorkloadManifest } from './workloads.ts';
