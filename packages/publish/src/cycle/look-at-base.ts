import type { ClusterState } from '@leastwise/rbac';
import { clusterFolder } from '@leastwise/render';

import { type Look, lookAtReviews } from '../conduct/index.ts';
import {
  type Codeowners,
  CODEOWNERS_PATHS,
  NO_CODEOWNERS,
  parseCodeowners,
  parseTeamFile,
  TEAM_FILE_PATH,
  type TeamChoices,
} from '../team/index.ts';
import type { Files } from '../types.ts';
import { type CyclePorts, type CycleSettings, TeamFileError } from './types.ts';

/** What stands at the base branch, as far as it matters to us, and what is open. */
export interface BaseLook extends Look {
  /** Below the folders of the known clusters. */
  readonly files: Files;
  readonly choices: TeamChoices;
  readonly codeowners: Codeowners;
  readonly problems: readonly string[];
}

/** Clusters of which something was observed, in the order of their names: all others are none of ours to change. */
export function knownClusters(clusters: readonly ClusterState[]): ClusterState[] {
  return clusters
    .filter(({ lastSeenUs }) => lastSeenUs > 0)
    .sort((a, b) => (a.cluster < b.cluster ? -1 : Number(a.cluster > b.cluster)));
}

/**
 * Looks at the repository, and reads from the base what a cycle rests on.
 * @throws TeamFileError where the team's file cannot be used, and ForgeError where the repository cannot be read
 */
export async function lookAtBase(
  clusters: readonly ClusterState[],
  { options, codeownersDialect }: CycleSettings,
  { remote, pulls }: CyclePorts,
): Promise<BaseLook> {
  const look = await lookAtReviews(remote, pulls);
  const owners = CODEOWNERS_PATHS[codeownersDialect];
  const folders = clusters
    .map(({ cluster }) => clusterFolder(cluster))
    .flatMap((folder) => [`clusters/${folder}`, `reports/${folder}`]);
  const { base } = look.remote;
  const files: Files =
    base === undefined ? new Map() : await remote.read(base, [TEAM_FILE_PATH, ...owners, ...folders]);
  const team = parseTeamFile(files.get(TEAM_FILE_PATH), { retentionDays: options.retentionDays });
  if (team.choices === undefined) throw new TeamFileError(team.problems);
  const path = owners.find((each) => files.has(each));
  const codeowners =
    path === undefined ? NO_CODEOWNERS : parseCodeowners(files.get(path) ?? '', codeownersDialect);
  const problems = codeowners.problems.map(({ line, detail }) => `${path ?? ''}:${line}: ${detail}`);
  return { ...look, files, choices: team.choices, codeowners, problems };
}
