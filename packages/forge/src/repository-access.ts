import { giteaClient } from './gitea/open-gitea.ts';
import { gitHubClient } from './github/open-github.ts';
import { gitLabClient } from './gitlab/open-gitlab.ts';
import type { HttpClient } from './http/client.ts';
import type { Fields } from './http/fields.ts';
import { type ForgeOptions, type Reach, reach } from './pull-requests/options.ts';

/** What a forge says of a repository, and of us in it. */
export interface RepositoryAccess {
  /** Whether our token may push; `undefined` where the forge does not say. Protected branches are another matter. */
  readonly mayPush: boolean | undefined;
  /** Nobody may write to it. */
  readonly isArchived: boolean;
  /** What people see first, and merge into; `undefined` where the repository is empty. */
  readonly defaultBranch: string | undefined;
  /** By how many milliseconds the forge's clock is ahead of ours, to the second; `undefined` where it tells no time. */
  readonly clockAheadMs: number | undefined;
}

/** The forges that can be asked. */
export type ForgeKind = 'github' | 'gitlab' | 'gitea';

interface Dialect {
  readonly client: (way: Reach) => HttpClient;
  /** Of `owner/name`. */
  readonly path: (repository: string) => string;
  readonly mayPush: (repository: Fields) => boolean | undefined;
}

function segments(repository: string): string {
  return repository.split('/').map(encodeURIComponent).join('/');
}

/** Left out for whoever is no user: then nothing is known. */
function pushFlag(repository: Fields): boolean | undefined {
  return repository.optionalObject('permissions')?.flag('push');
}

/** Developers may push. @see https://docs.gitlab.com/api/access_requests/#valid-access-levels */
const DEVELOPER = 30;

/** By membership in the project or in its group; an administrator has neither, and may. */
function pushLevel(project: Fields): boolean | undefined {
  const permissions = project.optionalObject('permissions');
  const levels = ['project_access', 'group_access'].flatMap((name) => {
    const access = permissions?.optionalObject(name);
    return access === undefined ? [] : [access.integer('access_level')];
  });
  return levels.length === 0 ? undefined : Math.max(...levels) >= DEVELOPER;
}

const DIALECTS: Readonly<Record<ForgeKind, Dialect>> = {
  github: { client: gitHubClient, path: (name) => `/repos/${segments(name)}`, mayPush: pushFlag },
  gitea: { client: giteaClient, path: (name) => `/repos/${segments(name)}`, mayPush: pushFlag },
  gitlab: {
    client: gitLabClient,
    path: (name) => `/projects/${encodeURIComponent(name)}`,
    mayPush: pushLevel,
  },
};

/**
 * Asks a forge about a repository, and changes nothing.
 * @throws ForgeError where it does not answer, or knows neither us nor the repository
 * @see https://docs.github.com/en/rest/repos/repos#get-a-repository
 * @see https://docs.gitlab.com/api/projects/#get-a-single-project
 */
export async function repositoryAccess(kind: ForgeKind, options: ForgeOptions): Promise<RepositoryAccess> {
  const dialect = DIALECTS[kind];
  const way = reach(options);
  let date: string | undefined;
  const client = dialect.client({
    ...way,
    transport: async (request) => {
      const answer = await way.transport(request);
      date = answer.headers.get('date');
      return answer;
    },
  });
  const repository = await client.get(dialect.path(options.repository));
  const theirMs = Date.parse(date ?? '');
  return {
    mayPush: dialect.mayPush(repository),
    isArchived: repository.flag('archived'),
    defaultBranch: repository.optionalText('default_branch') || undefined,
    clockAheadMs: Number.isNaN(theirMs) ? undefined : theirMs - way.waiting.now(),
  };
}
