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
import type { Reviewer } from '../pull-requests/reviewers.ts';

const PAGE = { per_page: 100, order_by: 'created_at', sort: 'asc' };

/**
 * GitLab's REST API, version 4. Accounts are known by their number, since a user may take another name.
 * @see https://docs.gitlab.com/api/merge_requests/
 */
export class GitLabApi implements ReviewApi {
  /** A description may have 1 048 576 characters; nobody reads more than the other forges take. */
  readonly limits = { title: 255, body: 65_536 };
  readonly #client: HttpClient;
  readonly #path: string;
  #self: string | undefined;

  constructor(client: HttpClient, project: string) {
    this.#client = client;
    this.#path = `/projects/${encodeURIComponent(project)}`;
  }

  async self(): Promise<string> {
    return (this.#self ??= String((await this.#client.get('/user')).integer('id')));
  }

  openPulls(): Promise<readonly ForgePull[]> {
    return this.#pulls({ state: 'opened' });
  }

  async findOpen(branch: string, base: string): Promise<ForgePull | undefined> {
    const pulls = await this.#pulls({ state: 'opened', source_branch: branch, target_branch: base });
    return pulls.find((pull) => pull.branch === branch && pull.base === base);
  }

  async endedPulls(branch: string): Promise<readonly ForgePull[]> {
    const pulls = await this.#pulls({ state: 'all', source_branch: branch });
    return pulls.filter((pull) => pull.branch === branch && pull.state !== 'open');
  }

  async pull(number: number): Promise<ForgePull> {
    return pullOf(await this.#client.get(this.#request(number)));
  }

  async createPull(draft: {
    readonly branch: string;
    readonly base: string;
    readonly title: string;
    readonly body: string;
  }): Promise<ForgePull | ForgeError> {
    const created = await this.#client.attempt({
      method: 'POST',
      path: `${this.#path}/merge_requests`,
      body: {
        source_branch: draft.branch,
        target_branch: draft.base,
        title: draft.title,
        description: draft.body,
      },
      // There is one open of a source and a target: GitLab refuses the second.
      isRepeatable: true,
    });
    return created instanceof ForgeError ? created : pullOf(created);
  }

  async editPull(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PUT', path: this.#request(number), body: changeOf(edit) });
  }

  async ensureLabel(name: string): Promise<void> {
    // GitLab's labels are a list between commas.
    if (name.includes(',')) throw new ForgeError('refused', 'GitLab: a label holds a comma');
    if ((await this.#client.find(`${this.#path}/labels/${encodeURIComponent(name)}`)) !== undefined) return;
    const body = { name, color: `#${LABEL_COLOUR}`, description: LABEL_DESCRIPTION };
    const path = `${this.#path}/labels`;
    const made = await this.#client.attempt({ method: 'POST', path, body, isRepeatable: true });
    // A conflict: somebody else made it just now.
    if (made instanceof ForgeError && made.failure !== 'conflict') throw made;
  }

  async addLabels(on: Labelled, number: number, labels: readonly string[]): Promise<void> {
    const path = on === 'pull' ? this.#request(number) : this.#issue(number);
    await this.#client.send({ method: 'PUT', path, body: { add_labels: labels.join(',') } });
  }

  /** Whoever has reviewed is still among the reviewers. */
  reviewed(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  /** Groups cannot be asked, nor addresses. Without a licence GitLab takes one reviewer and drops the others. */
  async ask(pull: ForgePull, reviewers: readonly Reviewer[]): Promise<readonly Reviewer[]> {
    const ids = new Map<Reviewer, number>();
    for (const reviewer of reviewers) {
      const id = reviewer.kind === 'user' ? await this.#userId(reviewer.name) : undefined;
      if (id !== undefined) ids.set(reviewer, id);
    }
    if (ids.size === 0) return reviewers;
    const path = this.#request(pull.number);
    const before = reviewersOf(await this.#client.get(path));
    const body = { reviewer_ids: [...new Set([...before, ...ids.values()])] };
    const changed = await this.#client.attempt({ method: 'PUT', path, body });
    const after = changed instanceof ForgeError ? before : reviewersOf(changed);
    return reviewers.filter((reviewer) => !after.includes(ids.get(reviewer) ?? 0));
  }

  async comments(number: number): Promise<readonly ForgeComment[]> {
    const notes = await this.#client.list(`${this.#request(number)}/notes`, PAGE);
    return notes.map((note) => ({ id: note.integer('id'), author: authorOf(note), body: note.text('body') }));
  }

  async addComment(number: number, body: string): Promise<void> {
    await this.#client.send({ method: 'POST', path: `${this.#request(number)}/notes`, body: { body } });
  }

  async editComment(number: number, id: number, body: string): Promise<void> {
    await this.#client.send({ method: 'PUT', path: `${this.#request(number)}/notes/${id}`, body: { body } });
  }

  async ownIssues(): Promise<readonly ForgeIssue[]> {
    const self = await this.self();
    const query = { state: 'all', scope: 'all', author_id: self, ...PAGE };
    const issues = await this.#client.list(`${this.#path}/issues`, query);
    return issues
      .filter((issue) => authorOf(issue) === self)
      .map((issue) => ({
        number: issue.integer('iid'),
        isOpen: issue.text('state') === 'opened',
        title: issue.text('title'),
        body: issue.optionalText('description') ?? '',
        labels: issue.texts('labels'),
      }));
  }

  async createIssue(issue: {
    readonly title: string;
    readonly body: string;
    readonly labels: readonly string[];
  }): Promise<void> {
    const body = { title: issue.title, description: issue.body, labels: issue.labels.join(',') };
    await this.#client.send({ method: 'POST', path: `${this.#path}/issues`, body });
  }

  async editIssue(number: number, edit: Edit): Promise<void> {
    await this.#client.send({ method: 'PUT', path: this.#issue(number), body: changeOf(edit) });
  }

  #request(number: number): string {
    return `${this.#path}/merge_requests/${number}`;
  }

  #issue(number: number): string {
    return `${this.#path}/issues/${number}`;
  }

  async #pulls(query: Readonly<Record<string, string>>): Promise<readonly ForgePull[]> {
    const all = await this.#client.list(`${this.#path}/merge_requests`, { scope: 'all', ...query, ...PAGE });
    return all.filter(isOfThisProject).map(pullOf);
  }

  async #userId(name: string): Promise<number | undefined> {
    const users = await this.#client.list('/users', { username: name });
    return users.find((user) => user.text('username').toLowerCase() === name.toLowerCase())?.integer('id');
  }
}

function isOfThisProject(request: Fields): boolean {
  // Null where a fork is gone.
  return request.optionalInteger('source_project_id') === request.integer('target_project_id');
}

function pullOf(request: Fields): ForgePull {
  const state = stateOf(request.text('state'));
  const endedUs = request.optionalTimeUs('merged_at') ?? request.optionalTimeUs('closed_at');
  return {
    number: request.integer('iid'),
    url: request.text('web_url'),
    branch: request.text('source_branch'),
    base: request.text('target_branch'),
    state,
    title: request.text('title'),
    body: request.optionalText('description') ?? '',
    labels: request.texts('labels'),
    ...mergeCommitOf(request, state),
    ...(state === 'open' || endedUs === undefined ? {} : { endedUs }),
    author: authorOf(request),
    asked: request.objects('reviewers').map((user) => `@${user.text('username')}`),
  };
}

/** `locked` is what a merge request is while it is being merged. */
function stateOf(state: string): ForgePull['state'] {
  if (state === 'merged' || state === 'closed') return state;
  return 'open';
}

/** A fast-forward merge makes no commit: then the branch's own is the one on the base. */
function mergeCommitOf(request: Fields, state: ForgePull['state']): { readonly mergeCommit?: string } {
  if (state !== 'merged') return {};
  const mergeCommit = ['merge_commit_sha', 'squash_commit_sha', 'sha']
    .map((name) => request.optionalText(name))
    .find((commit) => commit !== undefined);
  return mergeCommit === undefined ? {} : { mergeCommit };
}

function reviewersOf(request: Fields): readonly number[] {
  return request.objects('reviewers').map((user) => user.integer('id'));
}

/** Null where the account is gone: nobody's. */
function authorOf(written: Fields): string {
  const author = written.optionalObject('author');
  return author === undefined ? '' : String(author.integer('id'));
}

function changeOf({ title, body, state }: Edit): Readonly<Record<string, string>> {
  return {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { description: body }),
    ...(state === undefined ? {} : { state_event: state === 'closed' ? 'close' : 'reopen' }),
  };
}
