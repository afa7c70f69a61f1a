import type { PullRequests } from '@leastwise/publish';
import type { PullRequestsWorld } from '@leastwise/publish/conformance';

import type { Waiting } from '../waiting.ts';
import type { FakeServer } from './fake-server.ts';
import { type FakePull, type FakeRepository, type FakeThread, PERSON, US } from './repository.ts';

/** A clock that goes on by what is slept. */
export function fakeWaiting(): Waiting & { readonly slept: readonly number[] } {
  const slept: number[] = [];
  let now = Date.UTC(2026, 0, 1);
  return {
    slept,
    now: () => now,
    random: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}

/** The world of the conformance suite on a fake forge; ends with an error where the API does not know a request. */
export function fakeWorld(
  pulls: PullRequests,
  server: FakeServer,
  repository: FakeRepository,
): PullRequestsWorld {
  const pull = (number: number): FakePull => threadOf(repository.pulls, number);
  return {
    pulls,
    base: 'main',
    reviewer: '@reviewer',
    branch: async (name) => {
      repository.branches.add(name);
    },
    person: {
      open: async ({ branch, base, title, body, isFromFork = false }) =>
        repository.open({ branch, base, title, body, isFromFork, author: PERSON }).number,
      edit: async (number, text) => {
        // As a form in a browser sends it.
        Object.assign(pull(number), text, {
          body: (text.body ?? pull(number).body).replaceAll('\n', '\r\n'),
        });
      },
      label: async (number, label) => {
        pull(number).labels.push(label);
      },
      close: async (number) => {
        repository.setState(pull(number), 'closed');
      },
      reopen: async (number) => {
        repository.setState(pull(number), 'open');
      },
      merge: async (number) => {
        repository.setState(pull(number), 'merged');
        return (pull(number).mergeCommit = `${number}`.padStart(40, 'c'));
      },
      comment: async (number, body) => {
        repository.comment(pull(number), PERSON, body);
      },
      openIssue: async (issue) => repository.openIssue({ ...issue, author: PERSON }).number,
      closeIssue: async (number) => {
        repository.setState(threadOf(repository.issues, number), 'closed');
      },
    },
    comments: async (number) =>
      pull(number).comments.map(({ author, body }) => ({ isOurs: author === US, body })),
    issues: async () => repository.issues.map((issue) => ({ ...issue, isOpen: issue.state === 'open' })),
    reviewers: async (number) => pull(number).reviewers.map(({ name }) => `@${name}`),
    writes: () => server.requests.filter((request) => !request.startsWith('GET ')).length,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      if (server.violations.length > 0) throw new Error(server.violations.join('\n'));
    },
  };
}

function threadOf<T extends FakeThread>(threads: readonly T[], number: number): T {
  const thread = threads.find((each) => each.number === number);
  if (thread === undefined) throw new Error(`there is no ${number}`);
  return thread;
}
