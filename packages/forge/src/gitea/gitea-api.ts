import { ForgeError } from '@leastwise/publish';

import type { HttpClient } from '../http/client.ts';
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
import { EndedPulls } from './ended-pulls.ts';
import { isOfThisRepository, labelsOf, loginOf, pullOf } from './gitea-pull.ts';

/** Gitea gives no more than this unless its administrator says so. */
const PAGE = { limit: 50 };

/**
 * Gitea's REST API, version 1.
 * @see https://docs.gitea.com/api/
 */
export class GiteaApi implements ReviewApi {
  /** Gitea cuts a title without a word; a body may be of any length, and nobody reads more than the other forges take. */
  readonly limits = { title: 255, body: 65_536 };
  readonly #client: HttpClient;
  readonly #owner: string;
  readonly #path: string;
  readonly #ended: EndedPulls;
  #self: string | undefined;

  constructor(
    client: HttpClient,
    repository: { readonly owner: string; readonly name: string },
    now: () => number,
  ) {
    const { owner, name } = repository;
    this.#client = client;
    this.#owner = owner;
    this.#path = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
    this.#ended = new EndedPulls(client, `${this.#path}/pulls`, now);
  }

  async self(): Promise<string> {
    return (this.#self ??= (await this.#client.get('/user')).text('login').toLowerCase());
  }

  openPulls(): Promise<readonly ForgePull[]> {
    return this.#openPulls({});
  }

  /** The list lacks the teams that were asked: the one that is found is asked for by itself. */
  async findOpen(branch: string, base: string): Promise<ForgePull | undefined> {
    const pulls = await this.#openPulls({ base_branch: base });
    const found = pulls.find((pull) => pull.branch === branch && pull.base === base);
    return found === undefined ? undefined : this.pull(found.number);
  }

  endedPulls(branch: string): Promise<readonly ForgePull[]> {
    return this.#ended.of(branch);
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
      // There is one open of a head and a base: Gitea refuses the second.
      isRepeatable: true,
    });
    return created instanceof ForgeError ? created : pullOf(created);
  }

  async editPull(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PATCH', path: `${this.#path}/pulls/${number}`, body: { ...edit } });
  }

  async ensureLabel(name: string): Promise<void> {
    if ((await this.#labelId(name)) !== undefined) return;
    const body = { name, color: `#${LABEL_COLOUR}`, description: LABEL_DESCRIPTION };
    await this.#client.send({ method: 'POST', path: `${this.#path}/labels`, body });
  }

  async addLabels(_on: Labelled, number: number, labels: readonly string[]): Promise<void> {
    const path = `${this.#path}/issues/${number}/labels`;
    const body = { labels: await this.#labelIds(labels) };
    const added = await this.#client.attemptAny({ method: 'POST', path, body, isRepeatable: true });
    if (added instanceof ForgeError) throw added;
  }

  async reviewed(number: number): Promise<readonly string[]> {
    const reviews = await this.#client.list(`${this.#path}/pulls/${number}/reviews`, PAGE);
    return reviews.flatMap((review) => {
      const user = review.optionalObject('user');
      return user === undefined ? [] : [`@${user.text('login')}`];
    });
  }

  /** Gitea takes addresses as well as names, and says nothing where it leaves a team out. */
  async ask(pull: ForgePull, reviewers: readonly Reviewer[]): Promise<readonly Reviewer[]> {
    const canBeAsked = (reviewer: Reviewer): boolean =>
      reviewer.kind === 'team'
        ? reviewer.organization.toLowerCase() === this.#owner.toLowerCase()
        : reviewer.name.toLowerCase() !== pull.author;
    const path = `${this.#path}/pulls/${pull.number}/requested_reviewers`;
    const refused = await askTogether(reviewers.filter(canBeAsked), async (some) => {
      const body = namesByKind(some);
      const asked = await this.#client.attemptAny({ method: 'POST', path, body, isRepeatable: true });
      return !(asked instanceof ForgeError);
    });
    const asked = reviewers.filter((each) => canBeAsked(each) && !refused.includes(each));
    const leftOut = asked.some(({ kind }) => kind === 'team') ? await this.#leftOut(pull, asked) : [];
    return [...reviewers.filter((each) => !canBeAsked(each)), ...refused, ...leftOut];
  }

  async #leftOut(pull: ForgePull, asked: readonly Reviewer[]): Promise<readonly Reviewer[]> {
    const now = (await this.pull(pull.number)).asked.map((each) => each.toLowerCase());
    return asked.filter(({ kind, text }) => kind === 'team' && !now.includes(text.toLowerCase()));
  }

  async comments(number: number): Promise<readonly ForgeComment[]> {
    const comments = await this.#client.list(`${this.#path}/issues/${number}/comments`, {});
    return comments.map((comment) => ({
      id: comment.integer('id'),
      author: loginOf(comment),
      body: comment.text('body'),
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
    const self = await this.self();
    const query = { state: 'all', type: 'issues', created_by: self, ...PAGE };
    const issues = await this.#client.list(`${this.#path}/issues`, query);
    return issues
      .filter((issue) => issue.optionalObject('pull_request') === undefined && loginOf(issue) === self)
      .map((issue) => ({
        number: issue.integer('number'),
        isOpen: issue.text('state') === 'open',
        title: issue.text('title'),
        body: issue.text('body'),
        labels: labelsOf(issue),
      }));
  }

  async createIssue(issue: {
    readonly title: string;
    readonly body: string;
    readonly labels: readonly string[];
  }): Promise<void> {
    const body = { title: issue.title, body: issue.body, labels: await this.#labelIds(issue.labels) };
    await this.#client.send({ method: 'POST', path: `${this.#path}/issues`, body });
  }

  async editIssue(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PATCH', path: `${this.#path}/issues/${number}`, body: { ...edit } });
  }

  async #openPulls(query: Readonly<Record<string, string>>): Promise<readonly ForgePull[]> {
    const all = { state: 'open', sort: 'oldest', ...query, ...PAGE };
    const pulls = await this.#client.list(`${this.#path}/pulls`, all);
    return pulls.filter(isOfThisRepository).map(pullOf);
  }

  async #labelIds(names: readonly string[]): Promise<readonly number[]> {
    const ids: number[] = [];
    for (const name of names) {
      const id = await this.#labelId(name);
      if (id === undefined) throw new ForgeError('conflict', 'Gitea: a label has just been removed');
      ids.push(id);
    }
    return ids;
  }

  /** Of the repository's own labels; those of an organisation are found by nobody without its rights. */
  async #labelId(name: string): Promise<number | undefined> {
    const labels = await this.#client.list(`${this.#path}/labels`, PAGE);
    return labels.find((label) => label.text('name').toLowerCase() === name.toLowerCase())?.integer('id');
  }
}
