import type { PullRequests } from '@leastwise/publish';

import { HttpClient } from '../http/client.ts';
import { keepPullRequests } from '../pull-requests/keep-pull-requests.ts';
import { type ForgeOptions, type Reach, reach, repositorySegments } from '../pull-requests/options.ts';
import { GiteaApi } from './gitea-api.ts';

/**
 * The pull requests of a repository on Gitea or Forgejo (`apiUrl` ends in `/api/v1`). The token has the scopes
 * `write:repository`, `write:issue` and `read:user`.
 * @throws ForgeError where the address or the name of the repository is none
 * @see https://docs.gitea.com/development/api-usage
 */
export function openGitea(options: ForgeOptions): PullRequests {
  const [owner = '', name = ''] = repositorySegments('Gitea', options.repository, 2);
  const way = reach(options);
  return keepPullRequests(new GiteaApi(giteaClient(way), { owner, name }, way.waiting.now));
}

/** The HTTP of a Gitea. @throws ForgeError where its address is none */
export function giteaClient(way: Reach): HttpClient {
  return new HttpClient({ ...way, name: 'Gitea', authorization: (token) => `token ${token}` });
}
