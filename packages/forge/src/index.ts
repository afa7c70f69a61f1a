export { openDirectoryForge } from './directory-forge.ts';
export { openGitForge } from './git-forge.ts';
export type { GitForgeOptions } from './git-forge.ts';
export { openForge } from './open-forge.ts';
export { openRepository, type OpenedRepository } from './open-repository.ts';
export { repositoryProblems } from './open-repository-check.ts';
export type {
  ForgeApp,
  ForgeSettings,
  RepositoryKey,
  RepositoryProblem,
  RepositorySettings,
} from './open-repository-options.ts';
export { createGitHubAppToken } from './github/app-token.ts';
export { openGitea } from './gitea/open-gitea.ts';
export { openGitHub } from './github/open-github.ts';
export { openGitLab } from './gitlab/open-gitlab.ts';
export { type GitRemoteOptions, openGitRemote } from './remote/git-remote.ts';
export type { RepositoryAccess } from './repository-access.ts';
