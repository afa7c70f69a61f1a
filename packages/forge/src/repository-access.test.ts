import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import { fakeWaiting } from './http/testing/fake-world.ts';
import { type ForgeKind, repositoryAccess } from './repository-access.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Seen {
  readonly apiUrl: string;
  readonly asked: (string | undefined)[];
}

/** A forge that answers every question so. */
async function forge(status: number, body: unknown, date?: string): Promise<Seen> {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.method, request.url, request.headers.authorization);
    response.sendDate = false;
    response.writeHead(status, date === undefined ? {} : { date });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function accessOf(kind: ForgeKind, { apiUrl }: Seen, repository = 'acme/policies') {
  return repositoryAccess(kind, { apiUrl, repository, token: async () => 't0ken', waiting: fakeWaiting() });
}

describe('what a forge says of a repository', () => {
  test.each([
    ['github', 'Bearer t0ken'],
    ['gitea', 'token t0ken'],
  ] as const)('%s', async (kind, authorization) => {
    const seen = await forge(200, {
      ...{ default_branch: 'main', archived: false },
      permissions: { admin: false, push: true, pull: true },
    });
    expect(await accessOf(kind, seen)).toEqual({
      ...{ mayPush: true, isArchived: false, defaultBranch: 'main', clockAheadMs: undefined },
    });
    expect(seen.asked).toEqual(['GET', '/repos/acme/policies', authorization]);
  });

  test.each([
    ['as a developer', { project_access: { access_level: 30 }, group_access: null }, true],
    ['as a reporter', { project_access: null, group_access: { access_level: 20 } }, false],
    ['by the group', { project_access: { access_level: 20 }, group_access: { access_level: 40 } }, true],
    ['as nobody in particular', { project_access: null, group_access: null }, undefined],
  ])('gitlab, %s', async (_, permissions, mayPush) => {
    const seen = await forge(200, { default_branch: 'trunk', archived: true, permissions });
    expect(await accessOf('gitlab', seen, 'acme/platform/policies')).toEqual({
      ...{ mayPush, isArchived: true, defaultBranch: 'trunk', clockAheadMs: undefined },
    });
    expect(seen.asked.slice(0, 2)).toEqual(['GET', '/projects/acme%2Fplatform%2Fpolicies']);
  });

  test('that is empty, and of which it does not say whether we may push', async () => {
    expect(await accessOf('github', await forge(200, { default_branch: null }))).toEqual({
      ...{ mayPush: undefined, isArchived: false, defaultBranch: undefined, clockAheadMs: undefined },
    });
  });

  test('with its time, which is compared with ours', async () => {
    const now = fakeWaiting().now();
    const seen = await forge(200, {}, new Date(now + 90_000).toUTCString());
    expect((await accessOf('gitea', seen)).clockAheadMs).toBe(90_000 - (now % 1000));
  });

  test('that is not there, or that it does not show us', async () => {
    await expect(accessOf('github', await forge(404, {}))).rejects.toMatchObject({ failure: 'not-found' });
    await expect(accessOf('gitlab', await forge(401, {}))).rejects.toMatchObject({ failure: 'unauthorized' });
  });
});
