import { describePullRequests } from '@leastwise/publish/conformance';
import { expect, test } from 'vitest';

import { fakeWaiting, fakeWorld } from '../http/testing/fake-world.ts';
import { PERSON, REVIEWER } from '../http/testing/repository.ts';
import { type GitHubOptions, openGitHub } from './open-github.ts';
import { type FakeGitHub, startFakeGitHub } from './testing/fake-github.ts';

const DRAFT = { branch: 'leastwise/x', base: 'main', title: 'T', body: 'B', labels: [], reviewers: [] };

function optionsFor(github: FakeGitHub): GitHubOptions {
  return {
    apiUrl: github.url,
    repository: 'acme/policies',
    token: async () => 'ghs_secret\n',
    waiting: fakeWaiting(),
  };
}

describePullRequests('GitHub (as published)', async () => {
  const github = await startFakeGitHub();
  return fakeWorld(openGitHub(optionsFor(github)), github, github.repository);
});

test('teams of the organisation are asked, and those of others and the author are refused', async () => {
  await using github = await startFakeGitHub();
  github.repository.branches.add(DRAFT.branch);
  const reviewers = ['@acme/payments', '@other/payments', '@leastwise-bot', '@reviewer', '@acme/nobody'];
  const opened = await openGitHub(optionsFor(github)).open({ ...DRAFT, reviewers });
  expect(opened.refusedReviewers).toEqual(['@other/payments', '@leastwise-bot', '@acme/nobody']);
  const [pull] = github.repository.pulls;
  expect(pull).toMatchObject({ teams: ['payments'], reviewers: [REVIEWER] });
  const before = github.requests.length;
  await openGitHub(optionsFor(github)).open({ ...DRAFT, reviewers: ['@acme/payments', '@Reviewer'] });
  expect(github.requests.slice(before)).toEqual(['GET /repos/acme/policies/pulls']);
  expect(github.violations).toEqual([]);
});

test('who has reviewed is not asked again', async () => {
  await using github = await startFakeGitHub();
  const author = PERSON;
  const pull = github.repository.open({ ...DRAFT, isFromFork: false, author });
  pull.reviews.push(REVIEWER);
  const opened = await openGitHub(optionsFor(github)).open({ ...DRAFT, reviewers: ['@reviewer'] });
  expect(opened.refusedReviewers).toEqual([]);
  expect(pull.reviewers).toEqual([]);
});

test('labels are made in one colour, and one that is there in another case is taken', async () => {
  await using github = await startFakeGitHub();
  github.repository.branches.add(DRAFT.branch);
  github.repository.labels.set('RBAC', 'ff0000');
  await openGitHub(optionsFor(github)).open({ ...DRAFT, labels: ['leastwise', 'rbac'] });
  expect(github.repository.labels.get('leastwise')).toBe('1d76db');
  expect(github.repository.labels.get('RBAC')).toBe('ff0000');
});

test('what is listed again costs nothing, and changes are a second apart', async () => {
  await using github = await startFakeGitHub();
  const options = optionsFor(github);
  const waiting = fakeWaiting();
  const pulls = openGitHub({ ...options, waiting });
  github.repository.branches.add(DRAFT.branch);
  await pulls.open({ ...DRAFT, labels: ['a', 'b'] });
  // The pull request, two labels, and adding them.
  expect(waiting.slept).toEqual([1000, 1000, 1000]);
  await pulls.listOpen('');
  const before = github.unchanged();
  expect(await pulls.listOpen('')).toHaveLength(1);
  expect(github.unchanged() - before).toBe(1);
});

test('an account given as a login needs no question, and its letter case does not count', async () => {
  await using github = await startFakeGitHub();
  const pull = github.repository.open({ ...DRAFT, isFromFork: false, author: PERSON });
  const pulls = openGitHub({ ...optionsFor(github), login: async () => 'leastwise-bot' });
  await pulls.comment(pull.number, { key: 'k', body: 'one' });
  await pulls.comment(pull.number, { key: 'k', body: 'two' });
  expect(pull.comments).toHaveLength(1);
  expect(github.requests).not.toContain('GET /user');
});

test('a repository that is not there, and a token that is not good, are told apart', async () => {
  await using github = await startFakeGitHub();
  const options = optionsFor(github);
  const elsewhere = openGitHub({ ...options, repository: 'acme/other' }).listOpen('');
  await expect(elsewhere).rejects.toMatchObject({ failure: 'not-found' });
  const badly = openGitHub({ ...options, token: async () => 'ghs_other' }).listOpen('');
  await expect(badly).rejects.toMatchObject({
    failure: 'unauthorized',
    message: 'GitHub: GET /repos/acme/policies/pulls: 401 Bad credentials',
  });
  for (const repository of ['acme', 'a/b/c', 'a/..', 'a/b?c', '']) {
    expect(() => openGitHub({ ...options, repository })).toThrow('is not the name of a repository');
  }
});

test('a branch that is not there is an error of the forge, in its words', async () => {
  await using github = await startFakeGitHub();
  const opened = openGitHub(optionsFor(github)).open(DRAFT);
  await expect(opened).rejects.toMatchObject({ failure: 'refused' });
  await expect(opened).rejects.toThrow('422 Validation Failed');
});
