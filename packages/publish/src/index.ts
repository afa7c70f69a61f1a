export { checkPath, checkPaths } from './check-path.ts';
export { createMemoryForge } from './memory-forge.ts';
export type { MemoryForge } from './memory-forge.ts';
export { planChanges } from './plan-changes.ts';
export * from './review.ts';
export * from './types.ts';
