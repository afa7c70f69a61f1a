import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { isRunning } from './child.ts';
import { startGitea } from './gitea.ts';
import { lacksGitea, resolveGitea } from './resolve-gitea.ts';

async function whoIs(url: string, token: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/user`, { headers: { authorization: `token ${token}` } });
  return answer.ok ? answer.json() : answer.status;
}

describe.skipIf(await lacksGitea())('a real Gitea', () => {
  it('answers its administrator, keeps its data over kill -9, and leaves nothing behind', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'leastwise-gitea-'));
    const gitea = await startGitea({ dir });
    const { url, token } = gitea;
    expect(await whoIs(url, token)).toMatchObject({ login: 'leastwise-admin', is_admin: true });
    expect(await whoIs(url, 'no-token')).toBe(401);
    await gitea.kill();
    await expect(whoIs(url, token)).rejects.toThrow('fetch failed');
    await gitea.restart();
    expect(await whoIs(url, token)).toMatchObject({ login: 'leastwise-admin' });
    await gitea.stop();
    expect(isRunning(gitea.pid)).toBe(false);
    await rm(dir, { recursive: true });
  });

  it('is resolved for tests without faults', async () => {
    const gitea = await resolveGitea();
    expect(await whoIs(gitea?.url ?? '', gitea?.token ?? '')).toMatchObject({ is_admin: true });
    await gitea?.[Symbol.asyncDispose]();
  });
});
