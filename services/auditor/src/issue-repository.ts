import type { RepositorySettings } from '@leastwise/forge';

import type { AuditorConfig } from './config.ts';

/** Where issues are opened; `undefined` where nobody wants them. */
export function issueRepository({ issues }: Pick<AuditorConfig, 'issues'>): RepositorySettings | undefined {
  const { repository, kind, apiUrl, tokenFile, caFile } = issues;
  if (repository === undefined) return undefined;
  return { url: repository, base: 'main', caFile, forge: { kind, apiUrl, tokenFile } };
}
