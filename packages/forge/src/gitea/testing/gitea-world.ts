import type { PullRequests } from '@leastwise/publish';
import type { PullRequestsWorld } from '@leastwise/publish/conformance';
import type { ResolvedGitea } from '@leastwise/testkit';

import { startCountingProxy } from './counting-proxy.ts';

/** Accounts and repositories of one test file on a real Gitea, made and removed by its administrator. */
export class GiteaSite {
  readonly organization: string;
  readonly bot: string;
  readonly person: string;
  readonly reviewer: string;
  readonly team = 'payments';
  readonly #gitea: ResolvedGitea;
  #repositories = 0;

  constructor(gitea: ResolvedGitea) {
    const { prefix } = gitea;
    this.#gitea = gitea;
    this.organization = `${prefix}acme`;
    this.bot = `${prefix}bot`;
    this.person = `${prefix}person`;
    this.reviewer = `${prefix}reviewer`;
  }

  get apiUrl(): string {
    return `${this.#gitea.url}/api/v1`;
  }

  /** Asks as the administrator, or as somebody else; `undefined` where nothing is answered. @throws Error for a refusal */
  async ask(method: string, path: string, body?: object, as?: string): Promise<unknown> {
    const answer = await fetch(`${this.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `token ${this.#gitea.token}`,
        'content-type': 'application/json',
        ...(as === undefined ? {} : { sudo: as }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Makes the accounts, the organisation and a team; returns a token of the bot. */
  async build(): Promise<string> {
    const password = `pw-${this.bot}`;
    for (const username of [this.bot, this.person, this.reviewer]) {
      const account = { username, email: `${username}@example.com`, password, must_change_password: false };
      await this.ask('POST', '/admin/users', account);
    }
    await this.ask('POST', '/orgs', { username: this.organization });
    await this.ask('POST', `/orgs/${this.organization}/teams`, {
      name: this.team,
      permission: 'write',
      includes_all_repositories: true,
      units: ['repo.code', 'repo.issues', 'repo.pulls'],
    });
    const login = Buffer.from(`${this.bot}:${password}`).toString('base64');
    const answer = await fetch(`${this.apiUrl}/users/${this.bot}/tokens`, {
      method: 'POST',
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'test', scopes: ['write:repository', 'write:issue', 'read:user'] }),
    });
    return ((await answer.json()) as { sha1: string }).sha1;
  }

  /** Makes a repository with a first commit, to which all three may write; returns its full name. */
  async repository(): Promise<string> {
    const name = `policies-${++this.#repositories}`;
    const settings = { name, auto_init: true, default_branch: 'main' };
    await this.ask('POST', `/orgs/${this.organization}/repos`, settings);
    const full = `${this.organization}/${name}`;
    for (const user of [this.bot, this.person, this.reviewer]) {
      await this.ask('PUT', `/repos/${full}/collaborators/${user}`, { permission: 'write' });
    }
    return full;
  }

  /** Removes all that was made. */
  async remove(): Promise<void> {
    for (let number = 1; number <= this.#repositories; number++) {
      await this.ask('DELETE', `/repos/${this.organization}/policies-${number}`);
    }
    await this.ask('DELETE', `/orgs/${this.organization}`);
    for (const user of [this.bot, this.person, this.reviewer]) {
      await this.ask('DELETE', `/admin/users/${user}?purge=true`);
    }
  }
}

interface GiteaThread {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly { readonly name: string }[];
  readonly user: { readonly login: string };
  readonly merge_commit_sha: string;
  readonly requested_reviewers: readonly { readonly login: string }[] | null;
}

/** The world of the conformance suite in a repository on a real Gitea. */
export async function giteaWorld(
  site: GiteaSite,
  open: (apiUrl: string, repository: string) => PullRequests,
): Promise<PullRequestsWorld> {
  const full = await site.repository();
  const path = `/repos/${full}`;
  const proxy = await startCountingProxy(site.apiUrl);
  const pulls = open(proxy.apiUrl, full);
  const commit = (branch: string): Promise<unknown> =>
    site.ask('POST', `${path}/contents/${encodeURIComponent(branch)}.txt`, {
      content: Buffer.from(branch).toString('base64'),
      message: branch,
      branch: 'main',
      new_branch: branch,
    });
  const act = (method: string, rest: string, body?: object): Promise<unknown> =>
    site.ask(method, `${path}${rest}`, body, site.person);
  return {
    pulls,
    base: 'main',
    reviewer: `@${site.reviewer}`,
    branch: async (name) => {
      await commit(name);
    },
    person: {
      open: async ({ branch, base, title, body, isFromFork = false }) => {
        if (isFromFork) {
          const fork = `${site.person}-${full.split('/')[1] ?? ''}`;
          await act('POST', '/forks', { name: fork });
        }
        const head = isFromFork ? `${site.person}:${branch}` : branch;
        return ((await act('POST', '/pulls', { head, base, title, body })) as GiteaThread).number;
      },
      edit: async (number, text) => {
        await act('PATCH', `/pulls/${number}`, text);
      },
      label: async (number, label) => {
        const made = (await act('POST', '/labels', { name: label, color: '#ff0000' })) as { id: number };
        await act('POST', `/issues/${number}/labels`, { labels: [made.id] });
      },
      close: async (number) => {
        await act('PATCH', `/pulls/${number}`, { state: 'closed' });
      },
      reopen: async (number) => {
        await act('PATCH', `/pulls/${number}`, { state: 'open' });
      },
      merge: async (number) => {
        await merged(() => act('POST', `/pulls/${number}/merge`, { Do: 'merge' }));
        return ((await act('GET', `/pulls/${number}`)) as GiteaThread).merge_commit_sha;
      },
      comment: async (number, body) => {
        await act('POST', `/issues/${number}/comments`, { body });
      },
      openIssue: async (issue) => ((await act('POST', '/issues', issue)) as GiteaThread).number,
      closeIssue: async (number) => {
        await act('PATCH', `/issues/${number}`, { state: 'closed' });
      },
    },
    comments: async (number) => {
      const all = (await act('GET', `/issues/${number}/comments`)) as readonly GiteaThread[];
      return all.map(({ user, body }) => ({ isOurs: user.login === site.bot, body }));
    },
    issues: async () => {
      const all = (await act('GET', '/issues?state=all&type=issues')) as readonly GiteaThread[];
      return [...all].reverse().map((issue) => ({
        ...issue,
        labels: issue.labels.map(({ name }) => name),
        isOpen: issue.state === 'open',
      }));
    },
    reviewers: async (number) => {
      const pull = (await act('GET', `/pulls/${number}`)) as GiteaThread;
      return (pull.requested_reviewers ?? []).map(({ login }) => `@${login}`);
    },
    writes: proxy.writes,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** Gitea looks by itself whether a branch can be merged, and says "try again" until it has. */
async function merged(merge: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await merge();
      return;
    } catch (error) {
      if (attempt === 100 || !String(error).includes(' 405 ')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
