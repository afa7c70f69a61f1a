import { describePullRequests } from '@leastwise/publish/conformance';
import { expect, test } from 'vitest';

import { fakeWaiting, fakeWorld } from '../http/testing/fake-world.ts';
import { PERSON, REVIEWER, US } from '../http/testing/repository.ts';
import type { ForgeOptions } from '../pull-requests/options.ts';
import { openGitLab } from './open-gitlab.ts';
import { type FakeGitLab, startFakeGitLab } from './testing/fake-gitlab.ts';

const DRAFT = { branch: 'leastwise/x', base: 'main', title: 'T', body: 'B', labels: [], reviewers: [] };

function optionsFor(gitlab: FakeGitLab): ForgeOptions {
  return {
    apiUrl: `${gitlab.url}/`,
    repository: 'acme/platform/policies',
    token: async () => 'glpat-secret',
    waiting: fakeWaiting(),
  };
}

describePullRequests('GitLab (as published)', async () => {
  const gitlab = await startFakeGitLab();
  return fakeWorld(openGitLab(optionsFor(gitlab)), gitlab, gitlab.repository);
});

test('reviewers that GitLab drops without a word are refused, and those of people stay', async () => {
  await using gitlab = await startFakeGitLab();
  gitlab.settings.mostReviewers = 1;
  const pull = gitlab.repository.open({ ...DRAFT, isFromFork: false, author: PERSON });
  pull.reviewers = [US];
  const opened = await openGitLab(optionsFor(gitlab)).open({ ...DRAFT, reviewers: ['@Reviewer'] });
  expect(opened.refusedReviewers).toEqual(['@Reviewer']);
  expect(pull.reviewers).toEqual([US]);
  gitlab.settings.mostReviewers = 2;
  expect(await openGitLab(optionsFor(gitlab)).open({ ...DRAFT, reviewers: ['@Reviewer'] })).toMatchObject({
    refusedReviewers: [],
  });
  expect(pull.reviewers).toEqual([US, REVIEWER]);
  expect(gitlab.violations).toEqual([]);
});

test('a fast-forward merge is known by the commit of the branch, a squash by its own', async () => {
  await using gitlab = await startFakeGitLab();
  const pull = gitlab.repository.open({ ...DRAFT, isFromFork: false, author: PERSON });
  gitlab.repository.setState(pull, 'merged');
  const [ended] = await openGitLab(optionsFor(gitlab)).listEnded(DRAFT.branch);
  expect(ended).toMatchObject({ state: 'merged', mergeCommit: 'a'.repeat(40) });
});

test('a label with a comma would be two, and is refused', async () => {
  await using gitlab = await startFakeGitLab();
  gitlab.repository.branches.add(DRAFT.branch);
  const opened = openGitLab(optionsFor(gitlab)).open({ ...DRAFT, labels: ['a,b'] });
  await expect(opened).rejects.toThrow('GitLab: a label holds a comma');
});

test('labels are made in one colour', async () => {
  await using gitlab = await startFakeGitLab();
  gitlab.repository.branches.add(DRAFT.branch);
  await openGitLab(optionsFor(gitlab)).open({ ...DRAFT, labels: ['leastwise'] });
  await openGitLab(optionsFor(gitlab)).keepIssue({
    ...{ key: 'k', title: 't', body: 'b', isOpen: true },
    labels: ['retire'],
  });
  expect([...gitlab.repository.labels]).toEqual([
    ['leastwise', '#1d76db'],
    ['retire', '#1d76db'],
  ]);
});

test('a project that is not there is told, and a name that is none', async () => {
  await using gitlab = await startFakeGitLab();
  const options = optionsFor(gitlab);
  const elsewhere = openGitLab({ ...options, repository: 'acme/policies' }).listOpen('');
  await expect(elsewhere).rejects.toMatchObject({
    failure: 'not-found',
    message: 'GitLab: GET /projects/acme%2Fpolicies/merge_requests: 404 404 Project Not Found',
  });
  expect(() => openGitLab({ ...options, repository: 'policies' })).toThrow('is not the name of a repository');
});
