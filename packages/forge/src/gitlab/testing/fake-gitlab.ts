import {
  type FakeAnswer,
  type FakeServer,
  startFakeServer,
  Violation,
} from '../../http/testing/fake-server.ts';
import {
  type FakePull,
  FakeRepository,
  type FakeThread,
  type FakeUser,
  US,
  USERS,
} from '../../http/testing/repository.ts';
import { type Route, routed } from '../../http/testing/routes.ts';

/**
 * The part of GitLab's REST API (version 4) that we use, in the shapes of its documentation.
 * @see https://docs.gitlab.com/api/merge_requests/
 * @see https://docs.gitlab.com/api/notes/
 */
export interface FakeGitLab extends FakeServer {
  readonly repository: FakeRepository;
  readonly settings: Settings;
}

interface Settings {
  /** How many reviewers a merge request may have: one without a licence. */
  mostReviewers: number;
}

const PROJECT = 'acme/platform/policies';
const PROJECT_ID = 41;
const LIMITS = { title: 255, body: 1_048_576 };
const TEXT = { title: 'string', description: 'string', state_event: 'string', add_labels: 'string' } as const;

export async function startFakeGitLab(): Promise<FakeGitLab> {
  const repository = new FakeRepository(false);
  const settings: Settings = { mostReviewers: 10 };
  const routes = [
    ...requestRoutes(repository, settings),
    ...noteRoutes(repository),
    ...issueRoutes(repository),
    ...labelRoutes(repository),
  ];
  const server = await startFakeServer({
    basePath: '/api/v4',
    pageSize: 3,
    handle: (request) => {
      if (request.headers.authorization !== 'Bearer glpat-secret') return problem(401, '401 Unauthorized');
      const [, , project = PROJECT] = request.path.startsWith('/projects/') ? request.path.split('/') : [];
      if (decodeURIComponent(project) !== PROJECT) return problem(404, '404 Project Not Found');
      return routed(routes, request);
    },
  });
  return Object.assign(server, { repository, settings });
}

const problem = (status: number, message: unknown): FakeAnswer => ({ status, body: { message } });
const notFound = (): FakeAnswer => problem(404, '404 Not found');

type Act = (pull: FakePull) => FakeAnswer;

function requestRoutes(repository: FakeRepository, settings: Settings): readonly Route[] {
  const one = (number: string | undefined, act: Act): FakeAnswer => {
    const pull = repository.pulls.find((each) => each.number === Number(number));
    return pull === undefined ? notFound() : act(pull);
  };
  return [
    { method: 'GET', path: '/user', handle: () => ({ status: 200, body: userOf(US) }) },
    {
      method: 'GET',
      path: '/users',
      query: ['username'],
      handle: (_, { query }) => {
        const name = query.get('username')?.toLowerCase();
        return { status: 200, list: USERS.filter((user) => user.name.toLowerCase() === name).map(userOf) };
      },
    },
    {
      method: 'GET',
      path: '/projects/:id/merge_requests',
      query: ['state', 'scope', 'order_by', 'sort', 'source_branch', 'target_branch'],
      handle: (_, { query }) => ({ status: 200, list: listed(repository, query).map(requestOf) }),
    },
    {
      method: 'POST',
      path: '/projects/:id/merge_requests',
      body: {
        source_branch: 'string!',
        target_branch: 'string!',
        title: 'string!',
        description: 'string',
        reviewer_ids: 'integer[]',
        labels: 'string',
      },
      handle: (_, { body }) => created(repository, body as Record<string, string>),
    },
    {
      method: 'GET',
      path: '/projects/:id/merge_requests/:iid',
      handle: ([, iid]) => one(iid, (pull) => ({ status: 200, body: requestOf(pull) })),
    },
    {
      method: 'PUT',
      path: '/projects/:id/merge_requests/:iid',
      body: { ...TEXT, reviewer_ids: 'integer[]' },
      handle: ([, iid], { body }) =>
        one(iid, (pull) => {
          const refused = edited(repository, pull, body);
          const ids = body['reviewer_ids'] as readonly number[] | undefined;
          // More than the licence allows are dropped without a word, and so are those who are not known.
          const known = (ids ?? []).flatMap((id) => USERS.filter((user) => user.id === id));
          if (ids !== undefined) pull.reviewers = known.slice(0, settings.mostReviewers);
          return refused ?? { status: 200, body: requestOf(pull) };
        }),
    },
  ];
}

function listed(repository: FakeRepository, query: URLSearchParams): readonly FakePull[] {
  if (query.get('scope') !== 'all') throw new Violation('the default scope may be ours alone');
  const [source, target] = [query.get('source_branch'), query.get('target_branch')];
  const found = repository.pulls.filter((pull) => {
    const isState = ['all', stateOf(pull)].includes(query.get('state') ?? 'all');
    return isState && (source ?? pull.branch) === pull.branch && (target ?? pull.base) === pull.base;
  });
  return query.get('sort') === 'asc' ? found : found.reverse();
}

function created(repository: FakeRepository, body: Record<string, string>): FakeAnswer {
  const { source_branch: branch = '', target_branch: base = '', title = '', description = '' } = body;
  if (!repository.branches.has(base)) return problem(422, ['Target branch does not exist']);
  if (!repository.branches.has(branch)) return problem(400, { source_branch: ['does not exist'] });
  const present = repository.pulls.find(
    (pull) => !pull.isFromFork && pull.state === 'open' && pull.branch === branch && pull.base === base,
  );
  if (present !== undefined) {
    return problem(409, [
      `Another open merge request already exists for this source branch: !${present.number}`,
    ]);
  }
  const tooLong = checkText(title, description);
  if (tooLong !== undefined) return tooLong;
  const pull = repository.open({ branch, base, title, body: description, isFromFork: false, author: US });
  return { status: 201, body: requestOf(pull) };
}

function edited(
  repository: FakeRepository,
  thread: FakeThread,
  body: Readonly<Record<string, unknown>>,
): FakeAnswer | undefined {
  const { title = thread.title, description = thread.body, state_event: event, add_labels: labels } = body;
  if (Object.keys(body).length === 0) return problem(400, 'at least one parameter must be provided');
  const tooLong = checkText(String(title), String(description));
  if (tooLong !== undefined) return tooLong;
  Object.assign(thread, { title, body: description });
  if (typeof labels === 'string') addLabels(repository, thread, labels);
  if (event === 'close') repository.setState(thread, 'closed');
  else if (event === 'reopen') repository.setState(thread, 'open');
  else if (event !== undefined) throw new Violation(`state_event is ${JSON.stringify(event)}`);
  return undefined;
}

function checkText(title: string, description: string): FakeAnswer | undefined {
  if (title.length > LIMITS.title) {
    return problem(400, { title: [`is too long (maximum is ${LIMITS.title} characters)`] });
  }
  return description.length > LIMITS.body ? problem(400, { description: ['is too long'] }) : undefined;
}

/** GitLab makes the ones that it does not know, in its own colour. */
function addLabels(repository: FakeRepository, thread: FakeThread, labels: string): void {
  const names = labels.split(',').filter((name) => name !== '');
  for (const name of names) if (!repository.labels.has(name)) repository.labels.set(name, '#6699cc');
  thread.labels = [...new Set([...thread.labels, ...names])];
}

function noteRoutes(repository: FakeRepository): readonly Route[] {
  const one = (number: string | undefined, act: Act): FakeAnswer => {
    const pull = repository.pulls.find((each) => each.number === Number(number));
    return pull === undefined ? notFound() : act(pull);
  };
  const noteOf = (note: { id: number; author: FakeUser; body: string }, isSystem = false): object => ({
    ...note,
    author: userOf(note.author),
    system: isSystem,
    noteable_type: 'MergeRequest',
  });
  return [
    {
      method: 'GET',
      path: '/projects/:id/merge_requests/:iid/notes',
      query: ['order_by', 'sort'],
      handle: ([, iid], { query }) =>
        one(iid, ({ comments }) => {
          const system = noteOf({ id: 1, author: US, body: 'requested review from @reviewer' }, true);
          const list = [system, ...comments.map((note) => noteOf(note))];
          return { status: 200, list: query.get('sort') === 'asc' ? list : list.reverse() };
        }),
    },
    {
      method: 'POST',
      path: '/projects/:id/merge_requests/:iid/notes',
      body: { body: 'string!' },
      handle: ([, iid], { body }) =>
        one(iid, (pull) => ({
          status: 201,
          body: noteOf(repository.comment(pull, US, String(body['body']))),
        })),
    },
    {
      method: 'PUT',
      path: '/projects/:id/merge_requests/:iid/notes/:note',
      body: { body: 'string!' },
      handle: ([, iid, id], { body }) =>
        one(iid, ({ comments }) => {
          const note = comments.find((each) => each.id === Number(id));
          if (note === undefined) return notFound();
          note.body = String(body['body']);
          return { status: 200, body: noteOf(note) };
        }),
    },
  ];
}

function issueRoutes(repository: FakeRepository): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/projects/:id/issues',
      query: ['state', 'scope', 'author_id', 'order_by', 'sort'],
      handle: (_, { query }) => {
        const authors = [null, ...repository.issues.map(({ author }) => String(author.id))];
        const found = repository.issues.filter(
          ({ author }) =>
            !authors.includes(query.get('author_id')) || String(author.id) === query.get('author_id'),
        );
        const list = query.get('sort') === 'asc' ? found : found.reverse();
        return { status: 200, list: list.map(threadOf) };
      },
    },
    {
      method: 'POST',
      path: '/projects/:id/issues',
      body: { title: 'string!', description: 'string', labels: 'string' },
      handle: (_, { body }) => {
        const { title = '', description = '', labels = '' } = body as Record<string, string>;
        const issue = repository.openIssue({ title, body: description, author: US });
        addLabels(repository, issue, labels);
        return { status: 201, body: threadOf(issue) };
      },
    },
    {
      method: 'PUT',
      path: '/projects/:id/issues/:iid',
      body: TEXT,
      handle: ([, iid], { body }) => {
        const issue = repository.issues.find((each) => each.number === Number(iid));
        if (issue === undefined) return notFound();
        return edited(repository, issue, body) ?? { status: 200, body: threadOf(issue) };
      },
    },
  ];
}

function labelRoutes(repository: FakeRepository): readonly Route[] {
  const labelOf = (name: string): object => ({ id: name.length, name, color: repository.labels.get(name) });
  return [
    {
      method: 'GET',
      path: '/projects/:id/labels/:name',
      handle: ([, name = '']) =>
        repository.labels.has(name)
          ? { status: 200, body: labelOf(name) }
          : problem(404, '404 Label Not Found'),
    },
    {
      method: 'POST',
      path: '/projects/:id/labels',
      body: { name: 'string!', color: 'string!', description: 'string' },
      handle: (_, { body }) => {
        const { name = '', color = '' } = body as Record<string, string>;
        if (!/^#[0-9a-f]{6}$/.test(color)) throw new Violation(`${color} is no colour`);
        if (repository.labels.has(name)) return problem(409, 'Label already exists');
        repository.labels.set(name, color);
        return { status: 201, body: labelOf(name) };
      },
    },
  ];
}

const userOf = ({ id, name }: FakeUser): object => ({ id, username: name, name, state: 'active' });
const stateOf = ({ state }: FakeThread): string => (state === 'open' ? 'opened' : state);

function requestOf(pull: FakePull): object {
  return {
    ...threadOf(pull),
    source_branch: pull.branch,
    target_branch: pull.base,
    // A fork that is gone leaves null.
    source_project_id: pull.isFromFork ? (pull.number % 2 === 0 ? null : 99) : PROJECT_ID,
    target_project_id: PROJECT_ID,
    reviewers: pull.reviewers.map(userOf),
    merged_at: pull.state === 'merged' ? pull.endedAt : null,
    closed_at: pull.state === 'closed' ? pull.endedAt : null,
    sha: 'a'.repeat(40),
    merge_commit_sha: pull.mergeCommit ?? null,
    squash_commit_sha: null,
    draft: false,
  };
}

function threadOf(thread: FakeThread): object {
  return {
    id: thread.number + 5000,
    iid: thread.number,
    project_id: PROJECT_ID,
    state: stateOf(thread),
    title: thread.title,
    description: thread.body === '' ? null : thread.body,
    author: userOf(thread.author),
    labels: thread.labels,
    created_at: thread.createdAt,
    updated_at: thread.endedAt ?? thread.createdAt,
    closed_at: thread.endedAt ?? null,
    web_url: `https://gitlab.example/${PROJECT}/-/merge_requests/${thread.number}`,
  };
}
