import { repositoryProblems } from '@leastwise/forge';

import type { AuditorConfig } from './config.ts';
import { issueRepository } from './issue-repository.ts';
import { targetProblems } from './targets.ts';

/** Everything that is wrong with a configuration that fits the schema: files that are missing, values that do not go together. */
export async function configProblems(config: AuditorConfig): Promise<readonly string[]> {
  const repository = issueRepository(config);
  const issues = repository === undefined ? [] : await repositoryProblems(repository);
  return [
    ...(await targetProblems(config)),
    ...issues.map(
      ({ key, reason }) => `issues.${key.replace(/^forge\./, '').replace(/^url$/, 'repository')}: ${reason}`,
    ),
  ];
}
