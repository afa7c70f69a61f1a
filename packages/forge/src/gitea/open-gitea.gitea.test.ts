import { describePullRequests } from '@leastwise/publish/conformance';
import { resolveGitea } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { openGitea } from './open-gitea.ts';
import { startCountingProxy } from './testing/counting-proxy.ts';
import { GiteaSite, giteaWorld } from './testing/gitea-world.ts';

// Each branch that is made starts Gitea's own hooks of git, some seconds where a machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const gitea = await resolveGitea({ pageSize: 3 });
const DRAFT = { branch: 'leastwise/x', base: 'main', title: 'T', body: 'B', labels: [], reviewers: [] };

describe.skipIf(gitea === undefined)('a real Gitea', () => {
  if (gitea === undefined) return;
  const site = new GiteaSite(gitea);
  const held = { token: '' };
  const open = (apiUrl: string, repository: string): ReturnType<typeof openGitea> =>
    openGitea({ apiUrl, repository, token: async () => held.token });
  beforeAll(async () => {
    held.token = await site.build();
  });
  afterAll(async () => {
    if (gitea.isShared) await site.remove();
    await gitea[Symbol.asyncDispose]();
  });

  describePullRequests('Gitea', () => giteaWorld(site, open));

  test('teams of the organisation and addresses are asked, ourselves and teams of others are not', async () => {
    await using world = await giteaWorld(site, open);
    await world.branch(DRAFT.branch);
    const ours = `@${site.organization}/${site.team}`;
    const theirs = `@${site.person}/${site.team}`;
    const reviewers = [ours, theirs, `@${site.bot}`, `${site.reviewer}@example.com`];
    const { pull, refusedReviewers } = await world.pulls.open({ ...DRAFT, reviewers });
    expect(refusedReviewers).toEqual([theirs, `@${site.bot}`]);
    expect(await world.reviewers(pull.number)).toEqual([`@${site.reviewer}`]);
    const before = world.writes();
    await world.pulls.open({ ...DRAFT, reviewers: [ours, `@${site.reviewer}`] });
    expect(world.writes()).toBe(before);
  });

  test('who has reviewed is not asked again', async () => {
    await using world = await giteaWorld(site, open);
    await world.branch(DRAFT.branch);
    const reviewers = [`@${site.reviewer}`];
    const { pull } = await world.pulls.open({ ...DRAFT, reviewers });
    const [repository] = new URL(pull.url).pathname.split('/pulls/');
    const review = { event: 'APPROVED', body: 'fine' };
    await site.ask('POST', `/repos${repository ?? ''}/pulls/${pull.number}/reviews`, review, site.reviewer);
    const before = world.writes();
    await world.pulls.open({ ...DRAFT, reviewers });
    expect(world.writes()).toBe(before);
  });

  test('a merged one is known after its branch is gone', async () => {
    await using world = await giteaWorld(site, open);
    await world.branch(DRAFT.branch);
    const { pull } = await world.pulls.open(DRAFT);
    const mergeCommit = await world.person.merge(pull.number);
    const [repository] = new URL(pull.url).pathname.split('/pulls/');
    await site.ask('DELETE', `/repos${repository ?? ''}/branches/${encodeURIComponent(DRAFT.branch)}`);
    expect(await world.pulls.listEnded(DRAFT.branch)).toMatchObject([{ number: pull.number, mergeCommit }]);
  });

  test('the ended ones are read whole once, and then only what is new', async () => {
    const repository = await site.repository();
    await using proxy = await startCountingProxy(site.apiUrl);
    const pulls = open(proxy.apiUrl, repository);
    for (let index = 0; index < 4; index++) {
      const branch = `leastwise/b${index}`;
      const content = { content: '', message: 'x', branch: 'main', new_branch: branch };
      await site.ask('POST', `/repos/${repository}/contents/${index}.txt`, content);
      const { pull } = await pulls.open({ ...DRAFT, branch });
      await pulls.close(pull.number);
    }
    expect(await pulls.listEnded('leastwise/b0')).toHaveLength(1);
    const before = proxy.requests.length;
    // The clock of the forge is in seconds: what happened in the last of them is read again.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { pull } = await pulls.open({ ...DRAFT, branch: 'leastwise/b1' });
    await pulls.close(pull.number);
    const lists = (): readonly string[] =>
      proxy.requests.slice(before).filter((each) => each.includes('sort=recentupdate'));
    expect(await pulls.listEnded('leastwise/b1')).toHaveLength(2);
    expect(await pulls.listEnded('leastwise/b3')).toHaveLength(1);
    expect(lists()).toHaveLength(2);
  });

  test('a token that is not good, and a repository that is not there, are told apart', async () => {
    const pulls = openGitea({
      apiUrl: site.apiUrl,
      repository: await site.repository(),
      token: async () => 'no-token',
    });
    await expect(pulls.listOpen('')).rejects.toMatchObject({ failure: 'unauthorized' });
    const nowhere = open(site.apiUrl, `${site.organization}/nowhere`).listOpen('');
    await expect(nowhere).rejects.toMatchObject({ failure: 'not-found' });
  });
});
