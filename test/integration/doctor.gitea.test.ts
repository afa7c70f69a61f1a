// `leastwise doctor` on the repository of a publisher: a bare one, and one in a real Gitea.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';

import { resolveGitea } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { build } from './support/built.ts';
import { ownFolder, written } from './support/folders.ts';
import { leastwise } from './support/leastwise.ts';

const folder = ownFolder();
const gitea = await resolveGitea();

beforeAll(build, 600_000);
afterAll(async () => {
  await gitea?.[Symbol.asyncDispose]();
});

function made(name: string): string {
  const path = folder(name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

interface Told {
  readonly outcome: string;
  readonly what: string;
  readonly says: string;
  readonly area: string;
}

/** What is told of the repository of a publisher that is configured so. */
async function told(config: Readonly<Record<string, unknown>>): Promise<string[]> {
  const file = await written(
    folder('publisher.yaml'),
    JSON.stringify({ state: { folder: made('state') }, ...config }),
  );
  const { stdout } = await leastwise(['doctor', '--config', file, '-o', 'json']);
  const { checks } = JSON.parse(stdout) as { checks: readonly Told[] };
  return checks.filter(({ area }) => area === 'repository').map(({ outcome, says }) => `${outcome}: ${says}`);
}

describe('doctor on a bare repository', () => {
  const bare = (): string => {
    const path = made('policies.git');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
    return path;
  };

  test('that is empty, without a forge', async () => {
    expect(await told({ repository: { url: bare() } })).toEqual([
      'warning: it is empty',
      'skipped: none is configured: branches are pushed, and nobody opens pull requests',
      'skipped: it is not tried, for that would push',
    ]);
  });

  test('that is not there', async () => {
    const [byGit] = await told({ repository: { url: folder('none.git') } });
    expect(byGit).toMatch(/^failed: cannot list .*/);
  });
});

describe.skipIf(gitea === undefined)('doctor on a real Gitea', { timeout: 120_000 }, () => {
  const held = { name: '', owner: '' };
  const api = async (
    path: string,
    body?: object,
    method = body === undefined ? 'GET' : 'POST',
    login = `token ${gitea?.token ?? ''}`,
  ): Promise<unknown> => {
    const answer = await fetch(`${gitea?.url ?? ''}/api/v1${path}`, {
      method,
      headers: { authorization: login, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.status === 204 ? undefined : answer.json();
  };
  beforeAll(async () => {
    const { login } = (await api('/user')) as { login: string };
    const name = `doctor-${randomBytes(4).toString('hex')}`;
    await api('/user/repos', { name, auto_init: true, default_branch: 'main' });
    Object.assign(held, { name, owner: login });
  });

  async function config(token: string, more: Readonly<Record<string, unknown>> = {}) {
    const tokenFile = await written(folder('token'), token);
    return {
      repository: { url: `${gitea?.url ?? ''}/${held.owner}/${held.name}`, ...more },
      forge: { kind: 'gitea', tokenFile },
    };
  }

  test('all is well', async () => {
    expect(await told(await config(gitea?.token ?? ''))).toEqual([
      'ok: git reads it, and main is there',
      'ok: it knows our token and the repository, with 0 open pull requests of ours',
      'ok: the forge says that our token may push',
      'ok: it differs from ours by less than 30 s',
    ]);
  });

  test('a token of somebody who may only read', async () => {
    const username = `reader-${randomBytes(4).toString('hex')}`;
    const password = `pw-${username}`;
    const account = { username, password, email: `${username}@example.com`, must_change_password: false };
    await api('/admin/users', account);
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const scopes = ['read:repository', 'read:issue', 'read:user'];
    const made = await api(`/users/${username}/tokens`, { name: 't', scopes }, 'POST', basic);
    const said = await told(await config((made as { sha1: string }).sha1));
    expect(said).toContain('failed: the forge says that our token may not push');
  });

  test('a repository whose default branch is another, and that is archived', async () => {
    const place = `/repos/${held.owner}/${held.name}`;
    await api(`${place}/branches`, { new_branch_name: 'release', old_branch_name: 'main' });
    const good = await config(gitea?.token ?? '', { base: 'release' });
    expect(await told(good)).toContainEqual(
      expect.stringMatching(/^warning: it is release, and the default branch of the repository is main: /),
    );
    await api(place, { archived: true }, 'PATCH');
    try {
      expect(await told(good)).toContain('failed: the repository is archived: nobody may write to it');
    } finally {
      await api(place, { archived: false }, 'PATCH');
    }
  });

  test('a token that is none', async () => {
    const said = await told(await config('0123456789abcdef0123456789abcdef01234567'));
    expect(said).toEqual([
      expect.stringMatching(/^failed: /),
      expect.stringMatching(/^failed: Gitea: .*401/),
    ]);
    expect(said.join()).not.toContain('0123456789abcdef');
  });

  test('a base that is not there', async () => {
    const [byGit, byForge] = await told(await config(gitea?.token ?? '', { base: 'gone' }));
    expect(byGit).toMatch(/^failed: .*has no branch "gone"/);
    expect(byForge).toMatch(/^ok: /);
  });
});
