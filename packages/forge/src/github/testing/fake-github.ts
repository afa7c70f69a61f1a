import {
  type FakeAnswer,
  type FakeRequest,
  type FakeServer,
  startFakeServer,
  Violation,
} from '../../http/testing/fake-server.ts';
import {
  type FakeComment,
  type FakePull,
  FakeRepository,
  type FakeThread,
  type FakeUser,
  US,
  USERS,
} from '../../http/testing/repository.ts';
import { type Route, routed } from '../../http/testing/routes.ts';

/**
 * The part of GitHub's REST API (2022-11-28) that we use, in the shapes of its published OpenAPI description
 * (`pull-request-simple`, `issue-comment`, `issue`, `label`, `validation-error`).
 * @see https://github.com/github/rest-api-description
 */
export interface FakeGitHub extends FakeServer {
  readonly repository: FakeRepository;
}

const TOKEN = 'ghs_secret';
const FULL_NAME = 'acme/policies';
const LIMITS = { title: 256, body: 65_536 };
const TEAMS = ['payments'];

export async function startFakeGitHub(): Promise<FakeGitHub> {
  const repository = new FakeRepository(true);
  const routes = [...pullRoutes(repository), ...issueRoutes(repository), ...labelRoutes(repository)];
  const server = await startFakeServer({
    basePath: '/api/v3',
    pageSize: 3,
    handle: (request) => {
      checkHeaders(request);
      if (request.headers.authorization !== `Bearer ${TOKEN}`) return problem(401, 'Bad credentials');
      if (request.path.startsWith('/repos/') && !request.path.startsWith(`/repos/${FULL_NAME}/`)) {
        return problem(404, 'Not Found');
      }
      return routed(routes, request);
    },
  });
  return Object.assign(server, { repository });
}

function checkHeaders({ headers }: FakeRequest): void {
  const wanted = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
  for (const [name, value] of Object.entries(wanted)) {
    if (headers[name] !== value) throw new Violation(`${name} is ${String(headers[name])}`);
  }
  if (headers['user-agent'] === undefined) throw new Violation('no user-agent');
}

function problem(status: number, message: string, errors?: readonly object[]): FakeAnswer {
  const documentation = { documentation_url: 'https://docs.github.com/rest', status: String(status) };
  return { status, body: { message, ...(errors === undefined ? {} : { errors }), ...documentation } };
}

const invalid = (resource: string, message: string): FakeAnswer =>
  problem(422, 'Validation Failed', [{ resource, code: 'custom', message }]);

function pullRoutes(repository: FakeRepository): readonly Route[] {
  const find = (number = ''): FakePull | undefined =>
    repository.pulls.find((pull) => pull.number === Number(number));
  const one = (number: string | undefined, act: (pull: FakePull) => FakeAnswer): FakeAnswer => {
    const pull = find(number);
    return pull === undefined ? problem(404, 'Not Found') : act(pull);
  };
  return [
    {
      method: 'GET',
      path: '/user',
      handle: () => ({ status: 200, body: userOf(US) }),
    },
    {
      method: 'GET',
      path: '/repos/:owner/:repo/pulls',
      query: ['state', 'head', 'base', 'sort', 'direction'],
      handle: (_, { query }) => ({ status: 200, list: listed(repository, query).map(pullOf) }),
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/pulls',
      body: { title: 'string!', head: 'string!', base: 'string!', body: 'string' },
      handle: (_, { body }) => created(repository, body as Record<string, string>),
    },
    {
      method: 'GET',
      path: '/repos/:owner/:repo/pulls/:number',
      handle: ([, , number]) => one(number, (pull) => ({ status: 200, body: pullOf(pull) })),
    },
    {
      method: 'PATCH',
      path: '/repos/:owner/:repo/pulls/:number',
      body: { title: 'string', body: 'string', state: 'string' },
      handle: ([, , number], { body }) =>
        one(number, (pull) => edited(repository, pull, body) ?? { status: 200, body: pullOf(pull) }),
    },
    {
      method: 'GET',
      path: '/repos/:owner/:repo/pulls/:number/reviews',
      handle: ([, , number]) =>
        one(number, ({ reviews }) => ({
          status: 200,
          list: reviews.map((user, id) => ({ id, user: userOf(user), body: '', state: 'APPROVED' })),
        })),
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/pulls/:number/requested_reviewers',
      body: { reviewers: 'string[]', team_reviewers: 'string[]' },
      handle: ([, , number], { body }) =>
        one(number, (pull) => asked(pull, body as Record<string, string[]>)),
    },
  ];
}

function listed(repository: FakeRepository, query: URLSearchParams): readonly FakePull[] {
  const [state, head, base] = [query.get('state') ?? 'open', query.get('head'), query.get('base')];
  const found = repository.pulls.filter((pull) => {
    const owner = pull.isFromFork ? 'person' : 'acme';
    const isState = state === 'all' || (state === 'open') === (pull.state === 'open');
    // A fork's owner may be the same organisation.
    const isHead = head === null || head === `${owner}:${pull.branch}` || head === `acme:${pull.branch}`;
    return isState && isHead && (base === null || base === pull.base);
  });
  return query.get('direction') === 'asc' ? found : found.reverse();
}

function created(repository: FakeRepository, body: Record<string, string>): FakeAnswer {
  const { head = '', base = '', title = '', body: text = '' } = body;
  const isKnown = repository.branches.has(head) && repository.branches.has(base);
  if (!isKnown)
    return problem(422, 'Validation Failed', [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
  const isThere = repository.pulls.some(
    (pull) => !pull.isFromFork && pull.state === 'open' && pull.branch === head && pull.base === base,
  );
  if (isThere) return invalid('PullRequest', `A pull request already exists for acme:${head}.`);
  const tooLong = checkText({ title, body: text });
  if (tooLong !== undefined) return tooLong;
  const pull = repository.open({ branch: head, base, title, body: text, isFromFork: false, author: US });
  return { status: 201, body: pullOf(pull) };
}

function edited(
  repository: FakeRepository,
  thread: FakeThread,
  { title, body, state }: Readonly<Record<string, unknown>>,
): FakeAnswer | undefined {
  const tooLong = checkText({ title, body });
  if (tooLong !== undefined) return tooLong;
  if (thread.state === 'merged' && state !== undefined)
    return invalid('PullRequest', 'Cannot change a merged one');
  if (typeof title === 'string') thread.title = title;
  if (typeof body === 'string') thread.body = body;
  if (state === 'open' || state === 'closed') repository.setState(thread, state);
  return undefined;
}

function checkText(text: Readonly<Record<'title' | 'body', unknown>>): FakeAnswer | undefined {
  for (const name of ['title', 'body'] as const) {
    const value = text[name];
    if (typeof value === 'string' && value.length > LIMITS[name]) {
      return invalid('Issue', `${name} is too long (maximum is ${LIMITS[name]} characters)`);
    }
  }
  return undefined;
}

function asked(pull: FakePull, body: Readonly<Record<string, readonly string[]>>): FakeAnswer {
  const { reviewers = [], team_reviewers: teams = [] } = body;
  if (reviewers.length + teams.length === 0) throw new Violation('nobody is asked');
  if (reviewers.includes(pull.author.name)) {
    return problem(422, 'Review cannot be requested from pull request author.');
  }
  const users = reviewers.map((name) => USERS.find((user) => user.name === name));
  if (users.includes(undefined) || teams.some((team) => !TEAMS.includes(team))) {
    return problem(422, 'Reviews may only be requested from collaborators.');
  }
  for (const user of users)
    if (user !== undefined && !pull.reviewers.includes(user)) pull.reviewers.push(user);
  pull.teams.push(...teams);
  return { status: 201, body: pullOf(pull) };
}

function issueRoutes(repository: FakeRepository): readonly Route[] {
  const threads = (): readonly FakeThread[] => [...repository.issues, ...repository.pulls];
  const one = (number: string | undefined, act: (thread: FakeThread) => FakeAnswer): FakeAnswer => {
    const thread = threads().find((each) => each.number === Number(number));
    return thread === undefined ? problem(404, 'Not Found') : act(thread);
  };
  return [
    {
      method: 'GET',
      path: '/repos/:owner/:repo/issues',
      query: ['state', 'creator', 'sort', 'direction'],
      handle: (_, { query }) => {
        const [state, creator] = [query.get('state') ?? 'open', query.get('creator')];
        const found = threads()
          .filter((thread) => state === 'all' || (state === 'open') === (thread.state === 'open'))
          .filter(({ author }) => creator === null || author.name.toLowerCase() === creator.toLowerCase())
          .sort((a, b) => b.number - a.number);
        const list = query.get('direction') === 'asc' ? found.reverse() : found;
        return { status: 200, list: list.map(issueOf) };
      },
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/issues',
      body: { title: 'string!', body: 'string', labels: 'string[]' },
      handle: (_, { body }) => {
        const { title, body: text, labels } = body as { title: string; body: string; labels: string[] };
        const issue = repository.openIssue({ title, body: text, author: US });
        addLabels(repository, issue, labels);
        return { status: 201, body: issueOf(issue) };
      },
    },
    {
      method: 'PATCH',
      path: '/repos/:owner/:repo/issues/:number',
      body: { title: 'string', body: 'string', state: 'string' },
      handle: ([, , number], { body }) =>
        one(number, (issue) => edited(repository, issue, body) ?? { status: 200, body: issueOf(issue) }),
    },
    {
      method: 'GET',
      path: '/repos/:owner/:repo/issues/:number/comments',
      handle: ([, , number]) =>
        one(number, ({ comments }) => ({ status: 200, list: comments.map(commentOf) })),
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/issues/:number/comments',
      body: { body: 'string!' },
      handle: ([, , number], { body }) =>
        one(number, (thread) => ({
          status: 201,
          body: commentOf(repository.comment(thread, US, String(body['body']))),
        })),
    },
    {
      method: 'PATCH',
      path: '/repos/:owner/:repo/issues/comments/:id',
      body: { body: 'string!' },
      handle: ([, , id], { body }) => {
        const all = threads().flatMap(({ comments }) => comments);
        const comment = all.find((each) => each.id === Number(id));
        if (comment === undefined) return problem(404, 'Not Found');
        comment.body = String(body['body']);
        return { status: 200, body: commentOf(comment) };
      },
    },
  ];
}

function labelRoutes(repository: FakeRepository): readonly Route[] {
  const known = (name: string): boolean =>
    [...repository.labels.keys()].some((label) => label.toLowerCase() === name.toLowerCase());
  return [
    {
      method: 'GET',
      path: '/repos/:owner/:repo/labels/:name',
      handle: ([, , name = '']) =>
        known(name) ? { status: 200, body: labelOf(name) } : problem(404, 'Not Found'),
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/labels',
      body: { name: 'string!', color: 'string', description: 'string' },
      handle: (_, { body }) => {
        const { name = '', color = '' } = body as Record<string, string>;
        if (!/^[0-9a-f]{6}$/.test(color)) throw new Violation(`${color} is no colour`);
        if (known(name))
          return problem(422, 'Validation Failed', [{ resource: 'Label', code: 'already_exists' }]);
        repository.labels.set(name, color);
        return { status: 201, body: labelOf(name) };
      },
    },
    {
      method: 'POST',
      path: '/repos/:owner/:repo/issues/:number/labels',
      body: { labels: 'string[]' },
      handle: ([, , number], { body }) => {
        const all: FakeThread[] = [...repository.issues, ...repository.pulls];
        const thread = all.find((each) => each.number === Number(number));
        if (thread === undefined) return problem(404, 'Not Found');
        addLabels(repository, thread, body['labels'] as string[]);
        return { status: 200, body: thread.labels.map(labelOf) };
      },
    },
  ];
}

/** GitHub makes the ones that it does not know, in grey. */
function addLabels(repository: FakeRepository, thread: FakeThread, labels: readonly string[]): void {
  for (const label of labels) if (!repository.labels.has(label)) repository.labels.set(label, 'ededed');
  thread.labels = [...new Set([...thread.labels, ...labels])];
}

const userOf = ({ id, name }: FakeUser): object => ({ id, login: name, type: 'User', site_admin: false });
const labelOf = (name: string): object => ({ id: name.length, name, color: '1d76db', default: false });

function pullOf(pull: FakePull): object {
  const repo = (id: number, owner: string): object => ({
    id,
    name: 'policies',
    full_name: `${owner}/policies`,
    owner: { login: owner, id: id + 1000, type: 'Organization' },
    fork: id !== 1,
  });
  return {
    ...threadOf(pull),
    html_url: `https://github.example/${FULL_NAME}/pull/${pull.number}`,
    draft: false,
    merged_at: pull.state === 'merged' ? pull.endedAt : null,
    // One that was not merged has the commit of a trial.
    merge_commit_sha: pull.mergeCommit ?? 'd'.repeat(40),
    requested_reviewers: pull.reviewers.map(userOf),
    requested_teams: pull.teams.map((slug) => ({ id: 1, slug, name: slug.toUpperCase() })),
    head: {
      ref: pull.branch,
      label: `${pull.isFromFork ? 'person' : 'acme'}:${pull.branch}`,
      sha: 'a'.repeat(40),
      // A fork that is gone leaves null.
      repo: pull.isFromFork ? (pull.number % 2 === 0 ? null : repo(2, 'person')) : repo(1, 'acme'),
    },
    base: { ref: pull.base, label: `acme:${pull.base}`, sha: 'b'.repeat(40), repo: repo(1, 'acme') },
  };
}

function issueOf(thread: FakeThread): object {
  const isPull = 'branch' in thread;
  return {
    ...threadOf(thread),
    html_url: `https://github.example/${FULL_NAME}/issues/${thread.number}`,
    comments: thread.comments.length,
    ...(isPull ? { pull_request: { url: 'https://github.example' } } : {}),
  };
}

function threadOf(thread: FakeThread): object {
  return {
    id: thread.number + 5000,
    number: thread.number,
    state: thread.state === 'open' ? 'open' : 'closed',
    locked: false,
    title: thread.title,
    body: thread.body === '' ? null : thread.body,
    user: userOf(thread.author),
    labels: thread.labels.map(labelOf),
    created_at: thread.createdAt,
    updated_at: thread.endedAt ?? thread.createdAt,
    closed_at: thread.endedAt ?? null,
  };
}

const commentOf = ({ id, author, body }: FakeComment): object => ({ id, body, user: userOf(author) });
