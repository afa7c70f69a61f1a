import type { PullRequests } from '@leastwise/publish';

import { HttpClient } from '../http/client.ts';
import { keepPullRequests } from '../pull-requests/keep-pull-requests.ts';
import { type ForgeOptions, type Reach, reach, repositorySegments } from '../pull-requests/options.ts';
import { GitHubApi } from './github-api.ts';
import { GITHUB_HEADERS } from './headers.ts';

/** How to reach a repository on GitHub, or on an Enterprise Server (`https://HOST/api/v3`). */
export interface GitHubOptions extends ForgeOptions {
  /**
   * The login of the account that the token belongs to. Asked of GitHub where it is not given, which answers users but
   * not apps: see `createGitHubAppLogin`, or `github-actions[bot]` in GitHub Actions.
   */
  readonly login?: () => Promise<string>;
}

/**
 * The pull requests of a repository on GitHub. The token needs read and write for pull requests and issues.
 * Changes are a second apart, as GitHub asks.
 * @throws ForgeError where the address or the name of the repository is none
 * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function openGitHub(options: GitHubOptions): PullRequests {
  const [owner = '', name = ''] = repositorySegments('GitHub', options.repository, 2);
  return keepPullRequests(new GitHubApi(gitHubClient(reach(options)), { owner, name }, options.login));
}

/** The HTTP of GitHub. @throws ForgeError where its address is none */
export function gitHubClient(way: Reach): HttpClient {
  return new HttpClient({
    ...way,
    name: 'GitHub',
    authorization: (token) => `Bearer ${token}`,
    headers: GITHUB_HEADERS,
    writeGapMs: 1000,
  });
}
