import { expect, test } from 'vitest';

import { describePullRequests } from './conformance/pull-requests.ts';
import { createMemoryPullRequests } from './memory-pull-requests.ts';

describePullRequests('memory', async () => {
  const memory = createMemoryPullRequests({ reviewers: ['@reviewer'] });
  const { people } = memory;
  return {
    pulls: memory,
    base: 'main',
    reviewer: '@reviewer',
    branch: async () => undefined,
    person: {
      open: async (draft) => people.open(draft),
      edit: async (number, text) => people.edit(number, text),
      label: async (number, label) => people.label(number, label),
      close: async (number) => people.close(number),
      reopen: async (number) => people.reopen(number),
      merge: async (number) => {
        people.merge(number, `commit-${number}`);
        return `commit-${number}`;
      },
      comment: async (number, body) => people.comment(number, body),
      openIssue: async (issue) => people.openIssue(issue),
      closeIssue: async (number) => people.closeIssue(number),
    },
    comments: async (number) => memory.pulls.find((pull) => pull.number === number)?.comments ?? [],
    issues: async () => memory.issues,
    reviewers: async (number) => memory.pulls.find((pull) => pull.number === number)?.reviewers ?? [],
    writes: () => memory.writes,
    [Symbol.asyncDispose]: async () => undefined,
  };
});

test('everybody may review where no reviewers are named, and people take labels away', async () => {
  const memory = createMemoryPullRequests({ nowUs: () => 7 });
  const draft = { branch: 'b', base: 'main', title: 't', body: '', labels: ['l'], reviewers: ['@anybody'] };
  const { pull, refusedReviewers } = await memory.open(draft);
  expect(refusedReviewers).toEqual([]);
  expect(pull).toMatchObject({ number: 1, labels: ['l'] });
  memory.people.unlabel(1, 'l');
  expect(memory.pulls).toMatchObject([{ labels: [], reviewers: ['@anybody'] }]);
  await memory.close(1);
  expect(await memory.listEnded('b')).toMatchObject([{ state: 'closed', endedUs: 7 }]);
});
