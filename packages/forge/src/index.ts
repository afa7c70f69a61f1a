export { openDirectoryForge } from './directory-forge.ts';
export { openGitForge } from './git-forge.ts';
export type { GitForgeOptions } from './git-forge.ts';
export { openForge } from './open-forge.ts';
