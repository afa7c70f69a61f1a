import { repositoryProblems } from '@leastwise/forge';
import { redisSettingsProblems } from '@leastwise/state-redis';

import { readPolicies } from './audit-policies.ts';
import type { AuditorConfig } from './config.ts';
import { issueRepository } from './issue-repository.ts';
import { targetProblems } from './targets.ts';

/** Everything that is wrong with a configuration that fits the schema: files that are missing, values that do not go together. */
export async function configProblems(config: AuditorConfig): Promise<readonly string[]> {
  const repository = issueRepository(config);
  const issues = repository === undefined ? [] : await repositoryProblems(repository);
  const { problems } = await readPolicies(config.auditPolicies);
  return [
    ...(await targetProblems(config)),
    ...(config.redis.nodes.length === 0 ? [] : await redisSettingsProblems(config.redis)),
    ...problems.map((problem) => `auditPolicies.${problem}`),
    ...issues.map(
      ({ key, reason }) => `issues.${key.replace(/^forge\./, '').replace(/^url$/, 'repository')}: ${reason}`,
    ),
  ];
}
