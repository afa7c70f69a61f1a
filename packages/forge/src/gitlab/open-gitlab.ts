import type { PullRequests } from '@leastwise/publish';

import { HttpClient } from '../http/client.ts';
import { keepPullRequests } from '../pull-requests/keep-pull-requests.ts';
import { type ForgeOptions, type Reach, reach, repositorySegments } from '../pull-requests/options.ts';
import { GitLabApi } from './gitlab-api.ts';

/** A project and the twenty groups that GitLab nests at most. */
const MOST_SEGMENTS = 21;

/**
 * The merge requests of a project on GitLab (`apiUrl` ends in `/api/v4`). The token is a personal, group or project
 * access token, or one of OAuth, with the scope `api`.
 * @throws ForgeError where the address or the name of the project is none
 * @see https://docs.gitlab.com/api/rest/authentication/
 */
export function openGitLab(options: ForgeOptions): PullRequests {
  const path = repositorySegments('GitLab', options.repository, MOST_SEGMENTS).join('/');
  return keepPullRequests(new GitLabApi(gitLabClient(reach(options)), path));
}

/** The HTTP of a GitLab. @throws ForgeError where its address is none */
export function gitLabClient(way: Reach): HttpClient {
  return new HttpClient({ ...way, name: 'GitLab', authorization: (token) => `Bearer ${token}` });
}
