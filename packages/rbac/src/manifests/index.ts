export { type Manifests, MAX_MANIFEST_PROBLEMS, parseManifests } from './manifests.ts';
export type { ManifestProblem, ManifestReason } from './problem.ts';
