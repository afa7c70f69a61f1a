import type { ResolvedGitea } from '@leastwise/testkit';

/** What a forge shows of a pull request. */
export interface ShownPull {
  readonly number: number;
  readonly state: 'open' | 'closed';
  readonly merged: boolean;
  readonly title: string;
  readonly body: string;
  readonly updated_at: string;
  readonly labels: readonly { readonly name: string }[];
  readonly head: { readonly ref: string; readonly sha: string };
}

/** A repository on a real Gitea with the account of a publisher and that of a person, seen as its administrator. */
export class Site {
  readonly #gitea: ResolvedGitea;
  readonly #bot: string;
  readonly #person: string;
  readonly #organization: string;

  constructor(gitea: ResolvedGitea) {
    this.#gitea = gitea;
    this.#bot = `${gitea.prefix}bot`;
    this.#person = `${gitea.prefix}person`;
    this.#organization = `${gitea.prefix}acme`;
  }

  /** Asks the API, as a person where one is named. @throws Error for a refusal */
  async ask(method: string, path: string, body?: object, as?: string): Promise<unknown> {
    const answer = await fetch(`${this.#gitea.url}/api/v1${path}`, {
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

  /** Makes the accounts. @returns a token of the publisher's */
  async open(): Promise<string> {
    for (const username of [this.#bot, this.#person]) {
      const account = {
        email: `${username}@example.com`,
        password: `pw-${username}`,
        must_change_password: false,
      };
      await this.ask('POST', '/admin/users', { username, ...account });
    }
    await this.ask('POST', '/orgs', { username: this.#organization });
    const login = Buffer.from(`${this.#bot}:pw-${this.#bot}`).toString('base64');
    const answer = await fetch(`${this.#gitea.url}/api/v1/users/${this.#bot}/tokens`, {
      method: 'POST',
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'publisher', scopes: ['write:repository', 'write:issue', 'read:user'] }),
    });
    return ((await answer.json()) as { readonly sha1: string }).sha1;
  }

  async repository(name: string): Promise<Repository> {
    await this.ask('POST', `/orgs/${this.#organization}/repos`, {
      name,
      auto_init: true,
      default_branch: 'main',
    });
    const full = `${this.#organization}/${name}`;
    for (const user of [this.#bot, this.#person]) {
      await this.ask('PUT', `/repos/${full}/collaborators/${user}`, { permission: 'write' });
    }
    return new Repository(this, { full, url: `${this.#gitea.url}/${full}.git`, person: this.#person });
  }

  /** Removes the accounts with all that is theirs; the repositories by name. */
  async close(...repositories: string[]): Promise<void> {
    for (const name of repositories) await this.ask('DELETE', `/repos/${this.#organization}/${name}`);
    await this.ask('DELETE', `/orgs/${this.#organization}`);
    for (const user of [this.#bot, this.#person]) await this.ask('DELETE', `/admin/users/${user}?purge=true`);
  }
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** One repository, and what people do there. */
export class Repository {
  readonly url: string;
  readonly #site: Site;
  readonly #path: string;
  readonly #person: string;

  constructor(site: Site, { full, url, person }: { full: string; url: string; person: string }) {
    this.#site = site;
    this.#path = `/repos/${full}`;
    this.#person = person;
    this.url = url;
  }

  /** All pull requests, by number. */
  async pulls(): Promise<ShownPull[]> {
    const all: ShownPull[] = [];
    for (let page = 1; ; page += 1) {
      const query = `state=all&sort=oldest&limit=20&page=${page}`;
      const some = (await this.#site.ask('GET', `${this.#path}/pulls?${query}`)) as ShownPull[];
      all.push(...some);
      if (some.length < 20) return all.sort((a, b) => a.number - b.number);
    }
  }

  async open(): Promise<ShownPull[]> {
    return (await this.pulls()).filter(({ state }) => state === 'open');
  }

  /** By branch, the commit that it points at. */
  async branches(): Promise<Map<string, string>> {
    const found = (await this.#site.ask('GET', `${this.#path}/branches?limit=50`)) as {
      readonly name: string;
      readonly commit: { readonly id: string };
    }[];
    return new Map(found.map(({ name, commit }) => [name, commit.id]));
  }

  /** The paths of all files of a branch. */
  async paths(branch: string): Promise<string[]> {
    const tree = (await this.#site.ask(
      'GET',
      `${this.#path}/git/trees/${encodeURIComponent(branch)}?recursive=true&per_page=1000`,
    )) as {
      readonly tree: readonly { readonly path: string; readonly type: string }[];
    };
    return tree.tree.filter(({ type }) => type === 'blob').map(({ path }) => path);
  }

  async text(branch: string, path: string): Promise<string> {
    const file = (await this.#site.ask(
      'GET',
      `${this.#path}/contents/${encoded(path)}?ref=${encodeURIComponent(branch)}`,
    )) as {
      readonly content: string;
    };
    return Buffer.from(file.content, 'base64').toString('utf8');
  }

  async merge(number: number): Promise<void> {
    // Gitea works out whether a pull request can be merged some time after it was pushed to.
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#site.ask('POST', `${this.#path}/pulls/${number}/merge`, { Do: 'merge' }, this.#person);
        return;
      } catch (error) {
        if (tries === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  async close(number: number): Promise<void> {
    await this.#site.ask('PATCH', `${this.#path}/pulls/${number}`, { state: 'closed' }, this.#person);
  }

  /** A person's commit on a branch. */
  async push(branch: string, path: string, content: string): Promise<void> {
    const file = { content: Buffer.from(content).toString('base64'), message: `Add ${path}`, branch };
    await this.#site.ask('POST', `${this.#path}/contents/${path}`, file, this.#person);
  }
}
