import { ForgeError } from '@leastwise/publish';

import type { HttpClient } from '../http/client.ts';
import type { Fields } from '../http/fields.ts';
import {
  type Edit,
  type ForgeComment,
  type ForgeIssue,
  type ForgePull,
  LABEL_COLOUR,
  LABEL_DESCRIPTION,
  type Labelled,
  type ReviewApi,
} from '../pull-requests/review-api.ts';
import { askTogether, namesByKind, type Reviewer } from '../pull-requests/reviewers.ts';

const PAGE = { per_page: 100 };

/**
 * GitHub's REST API, version 2022-11-28.
 * @see https://docs.github.com/en/rest/pulls
 */
export class GitHubApi implements ReviewApi {
  readonly limits = { title: 256, body: 65_536 };
  readonly #client: HttpClient;
  readonly #owner: string;
  readonly #path: string;
  readonly #login: () => Promise<string>;
  #self: string | undefined;

  constructor(
    client: HttpClient,
    repository: { readonly owner: string; readonly name: string },
    login?: () => Promise<string>,
  ) {
    const { owner, name } = repository;
    this.#client = client;
    this.#owner = owner;
    this.#path = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
    this.#login = login ?? (async () => (await client.get('/user')).text('login'));
  }

  async self(): Promise<string> {
    return (this.#self ??= (await this.#login()).toLowerCase());
  }

  openPulls(): Promise<readonly ForgePull[]> {
    return this.#pulls({ state: 'open', sort: 'created', direction: 'asc' });
  }

  async findOpen(branch: string, base: string): Promise<ForgePull | undefined> {
    const pulls = await this.#pulls({ state: 'open', head: `${this.#owner}:${branch}`, base });
    // GitHub lists all where it cannot read a filter.
    return pulls.find((pull) => pull.branch === branch && pull.base === base);
  }

  async endedPulls(branch: string): Promise<readonly ForgePull[]> {
    const pulls = await this.#pulls({ state: 'closed', head: `${this.#owner}:${branch}` });
    return pulls.filter((pull) => pull.branch === branch);
  }

  async pull(number: number): Promise<ForgePull> {
    return pullOf(await this.#client.get(`${this.#path}/pulls/${number}`));
  }

  async createPull(draft: {
    readonly branch: string;
    readonly base: string;
    readonly title: string;
    readonly body: string;
  }): Promise<ForgePull | ForgeError> {
    const { branch, base, title, body } = draft;
    const created = await this.#client.attempt({
      method: 'POST',
      path: `${this.#path}/pulls`,
      body: { head: branch, base, title, body },
      // There is one of a head and a base: GitHub refuses the second.
      isRepeatable: true,
    });
    return created instanceof ForgeError ? created : pullOf(created);
  }

  async editPull(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PATCH', path: `${this.#path}/pulls/${number}`, body: { ...edit } });
  }

  async ensureLabel(name: string): Promise<void> {
    if ((await this.#client.find(`${this.#path}/labels/${encodeURIComponent(name)}`)) !== undefined) return;
    const body = { name, color: LABEL_COLOUR, description: LABEL_DESCRIPTION };
    const path = `${this.#path}/labels`;
    const made = await this.#client.attempt({ method: 'POST', path, body, isRepeatable: true });
    // Refused: somebody else made it just now. If it is something else, adding it will say so.
    if (made instanceof ForgeError && made.failure !== 'refused') throw made;
  }

  async addLabels(_on: Labelled, number: number, labels: readonly string[]): Promise<void> {
    const path = `${this.#path}/issues/${number}/labels`;
    const added = await this.#client.attemptAny({
      method: 'POST',
      path,
      body: { labels },
      isRepeatable: true,
    });
    if (added instanceof ForgeError) throw added;
  }

  async reviewed(number: number): Promise<readonly string[]> {
    const reviews = await this.#client.list(`${this.#path}/pulls/${number}/reviews`, PAGE);
    return reviews.flatMap((review) => {
      const user = review.optionalObject('user');
      return user === undefined ? [] : [`@${user.text('login')}`];
    });
  }

  async ask(pull: ForgePull, reviewers: readonly Reviewer[]): Promise<readonly Reviewer[]> {
    const canBeAsked = (reviewer: Reviewer): boolean =>
      reviewer.kind === 'team'
        ? reviewer.organization.toLowerCase() === this.#owner.toLowerCase()
        : reviewer.kind === 'user' && reviewer.name.toLowerCase() !== pull.author;
    const path = `${this.#path}/pulls/${pull.number}/requested_reviewers`;
    const refused = await askTogether(reviewers.filter(canBeAsked), async (some) => {
      const body = namesByKind(some);
      const asked = await this.#client.attempt({ method: 'POST', path, body, isRepeatable: true });
      return !(asked instanceof ForgeError);
    });
    return [...reviewers.filter((each) => !canBeAsked(each)), ...refused];
  }

  async comments(number: number): Promise<readonly ForgeComment[]> {
    const comments = await this.#client.list(`${this.#path}/issues/${number}/comments`, PAGE);
    return comments.map((comment) => ({
      id: comment.integer('id'),
      author: loginOf(comment),
      body: comment.optionalText('body') ?? '',
    }));
  }

  async addComment(number: number, body: string): Promise<void> {
    await this.#client.send({
      method: 'POST',
      path: `${this.#path}/issues/${number}/comments`,
      body: { body },
    });
  }

  async editComment(_number: number, id: number, body: string): Promise<void> {
    await this.#client.send({ method: 'PATCH', path: `${this.#path}/issues/comments/${id}`, body: { body } });
  }

  async ownIssues(): Promise<readonly ForgeIssue[]> {
    const creator = await this.self();
    const query = { state: 'all', creator, sort: 'created', direction: 'asc', ...PAGE };
    const issues = await this.#client.list(`${this.#path}/issues`, query);
    // To GitHub every pull request is an issue too.
    return issues
      .filter((issue) => issue.optionalObject('pull_request') === undefined && loginOf(issue) === creator)
      .map((issue) => ({
        number: issue.integer('number'),
        isOpen: issue.text('state') === 'open',
        title: issue.text('title'),
        body: issue.optionalText('body') ?? '',
        labels: labelsOf(issue),
      }));
  }

  async createIssue(issue: {
    readonly title: string;
    readonly body: string;
    readonly labels: readonly string[];
  }): Promise<void> {
    await this.#client.send({ method: 'POST', path: `${this.#path}/issues`, body: { ...issue } });
  }

  async editIssue(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PATCH', path: `${this.#path}/issues/${number}`, body: { ...edit } });
  }

  async #pulls(query: Readonly<Record<string, string>>): Promise<readonly ForgePull[]> {
    const pulls = await this.#client.list(`${this.#path}/pulls`, { ...query, ...PAGE });
    return pulls.filter(isOfThisRepository).map(pullOf);
  }
}

/** The head's repository is null where a fork is gone. */
function isOfThisRepository(pull: Fields): boolean {
  const head = pull.object('head').optionalObject('repo');
  return head?.integer('id') === pull.object('base').object('repo').integer('id');
}

function pullOf(pull: Fields): ForgePull {
  const mergedUs = pull.optionalTimeUs('merged_at');
  const endedUs = mergedUs ?? pull.optionalTimeUs('closed_at');
  const mergeCommit = mergedUs === undefined ? undefined : pull.optionalText('merge_commit_sha');
  const isOpen = pull.text('state') === 'open';
  return {
    number: pull.integer('number'),
    url: pull.text('html_url'),
    branch: pull.object('head').text('ref'),
    base: pull.object('base').text('ref'),
    state: isOpen ? 'open' : mergedUs === undefined ? 'closed' : 'merged',
    title: pull.text('title'),
    body: pull.optionalText('body') ?? '',
    labels: labelsOf(pull),
    ...(mergeCommit === undefined ? {} : { mergeCommit }),
    ...(isOpen || endedUs === undefined ? {} : { endedUs }),
    author: loginOf(pull),
    asked: askedOf(pull),
  };
}

function askedOf(pull: Fields): readonly string[] {
  const owner = pull.object('base').object('repo').object('owner').text('login');
  return [
    ...pull.objects('requested_reviewers').map((user) => `@${user.text('login')}`),
    ...pull.objects('requested_teams').map((team) => `@${owner}/${team.text('slug')}`),
  ];
}

function labelsOf(labelled: Fields): readonly string[] {
  return labelled.objects('labels').map((label) => label.text('name'));
}

/** Null where the account is gone: nobody's. */
function loginOf(written: Fields): string {
  return written.optionalObject('user')?.text('login').toLowerCase() ?? '';
}
