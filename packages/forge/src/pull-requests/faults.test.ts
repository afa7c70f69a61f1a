import type { PullRequests } from '@leastwise/publish';
import { describe, expect, test } from 'vitest';

import { openGitHub } from '../github/open-github.ts';
import { startFakeGitHub } from '../github/testing/fake-github.ts';
import { openGitLab } from '../gitlab/open-gitlab.ts';
import { startFakeGitLab } from '../gitlab/testing/fake-gitlab.ts';
import type { FakeServer, Fault } from '../http/testing/fake-server.ts';
import { fakeWaiting } from '../http/testing/fake-world.ts';
import type { FakeRepository } from '../http/testing/repository.ts';

interface Stand extends AsyncDisposable {
  readonly pulls: PullRequests;
  readonly server: FakeServer & { readonly repository: FakeRepository };
  readonly slept: readonly number[];
}

const STANDS: readonly (readonly [string, () => Promise<Stand>])[] = [
  ['GitHub', async () => stand(await startFakeGitHub(), 'ghs_secret', 'acme/policies', openGitHub)],
  [
    'GitLab',
    async () => stand(await startFakeGitLab(), 'glpat-secret', 'acme/platform/policies', openGitLab),
  ],
];

function stand(server: Stand['server'], token: string, repository: string, open: typeof openGitHub): Stand {
  const waiting = fakeWaiting();
  server.repository.branches.add(DRAFT.branch);
  return {
    pulls: open({ apiUrl: server.url, repository, token: async () => token, waiting }),
    server,
    slept: waiting.slept,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const DRAFT = {
  branch: 'leastwise/x',
  base: 'main',
  title: 'T',
  body: 'B',
  labels: ['l'],
  reviewers: ['@reviewer'],
};

/** All that a publisher does in a cycle. */
async function cycle({ pulls }: Stand): Promise<void> {
  const { pull } = await pulls.open(DRAFT);
  await pulls.update(pull.number, { body: 'B2' });
  await pulls.comment(pull.number, { key: 'k', body: 'C' });
  await pulls.keepIssue({ key: 'i', title: 'I', body: 'I', labels: ['l'], isOpen: true });
}

describe.each(STANDS)('%s', (_, make) => {
  test.each<[string, Fault]>([
    ['an error of the server before anything was done', { answer: { status: 502 } }],
    ['a connection that breaks before anything was done', { answer: 'hang-up' }],
    ['an error of the server after it was done', { answer: { status: 500 }, isDone: true }],
    ['a connection that breaks after it was done', { answer: 'hang-up', isDone: true }],
    ['a secondary limit', { answer: { status: 403, headers: { 'retry-after': '3' } } }],
    ['a limit', { answer: { status: 429, headers: { 'retry-after': '3' } } }],
  ])('%s, at each request in turn, changes nothing of the outcome', async (__, fault) => {
    await using quiet = await make();
    await cycle(quiet);
    const wanted = JSON.stringify([quiet.server.repository.pulls, quiet.server.repository.issues]);
    for (const method of ['GET', 'POST', 'PATCH', 'PUT']) {
      for (let nth = 0; nth < 12; nth++) {
        await using world = await make();
        world.server.fail({ ...fault, method, after: nth });
        // A POST that may not be repeated is told; the next cycle makes it good.
        await cycle(world).catch(() => cycle(world));
        const { pulls, issues } = world.server.repository;
        expect(JSON.stringify([pulls, issues]), `${method} ${nth}`).toBe(wanted);
        expect(world.server.violations).toEqual([]);
      }
    }
  });
});
