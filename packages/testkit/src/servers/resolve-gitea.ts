import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type GiteaOptions, startGitea } from './gitea.ts';
import { GITEA_VERSION, giteaInstall } from './gitea-install.ts';
import { dockerAnswers } from './resolve-docker.ts';
import { sayMissing, sayServer } from './resolve-report.ts';

const IMAGE = `gitea/gitea:${GITEA_VERSION}`;
const IMAGE_PORT = 3000;

/** What a Gitea that is started is to be like; one that belongs to somebody is as it is. */
export type GiteaWishes = Pick<GiteaOptions, 'pageSize'>;

/** A Gitea for tests that need no faults. */
export interface ResolvedGitea extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** Of an administrator. */
  readonly token: string;
  /** It belongs to somebody: never delete what is not under `prefix`. */
  readonly isShared: boolean;
  /** Another one at each call; accounts and organisations that tests make begin with it. */
  readonly prefix: string;
  /** What it is, for people. */
  readonly what: string;
}

/**
 * The Gitea of `LEASTWISE_TEST_GITEA` (its address; `LEASTWISE_TEST_GITEA_TOKEN` is an administrator's), else a container
 * where Docker answers, else a local process. `undefined` where none of them can be had, which it says loudly.
 * @throws Error where the one of the environment does not answer to the token, and in CI where there is none
 */
export async function resolveGitea(wishes: GiteaWishes = {}): Promise<ResolvedGitea | undefined> {
  const url = (process.env['LEASTWISE_TEST_GITEA'] ?? '').replace(/\/+$/, '');
  if (url !== '') return shared(url, process.env['LEASTWISE_TEST_GITEA_TOKEN'] ?? '');
  return (await inContainer(wishes)) ?? inProcess(wishes);
}

/**
 * Whether `startGitea` cannot work here, for `describe.skipIf`; it builds what is missing and says loudly what cannot be
 * had.
 * @throws Error in CI instead of `true`
 */
export async function lacksGitea(): Promise<boolean> {
  try {
    sayServer('gitea', `local process ${(await giteaInstall()).version}`);
    return false;
  } catch (error) {
    sayMissing('gitea', error);
    return true;
  }
}

async function shared(url: string, token: string): Promise<ResolvedGitea> {
  const headers = { authorization: `token ${token}` };
  const answer = await fetch(`${url}/api/v1/user`, { headers }).catch(() => undefined);
  const user: unknown = answer?.ok === true ? await answer.json() : undefined;
  const isAdmin = typeof user === 'object' && user !== null && 'is_admin' in user && user.is_admin === true;
  if (!isAdmin) throw new Error('no Gitea answers LEASTWISE_TEST_GITEA_TOKEN as an administrator');
  return resolved({ url, token, isShared: true, what: `shared, at ${url}`, stop: async () => undefined });
}

async function inContainer({ pageSize = 50 }: GiteaWishes): Promise<ResolvedGitea | undefined> {
  if (!(await dockerAnswers())) return undefined;
  try {
    const { GenericContainer, Wait } = await import('testcontainers');
    const started = await new GenericContainer(IMAGE)
      .withEnvironment({
        GITEA__security__INSTALL_LOCK: 'true',
        GITEA__database__DB_TYPE: 'sqlite3',
        GITEA__api__DEFAULT_PAGING_NUM: String(pageSize),
        GITEA__api__MAX_RESPONSE_ITEMS: String(pageSize),
      })
      .withExposedPorts(IMAGE_PORT)
      .withWaitStrategy(Wait.forHttp('/api/healthz', IMAGE_PORT))
      .start();
    const admin = async (...args: string[]): Promise<string> => {
      const { exitCode, output } = await started.exec(['gitea', 'admin', 'user', ...args], { user: 'git' });
      if (exitCode !== 0) throw new Error(output);
      return output.trim();
    };
    const [name, password] = ['leastwise-admin', randomBytes(12).toString('hex')];
    const account = ['--username', name, '--password', password, '--email', `${name}@example.com`];
    await admin('create', '--admin', '--must-change-password=false', ...account);
    const access = ['--username', name, '--token-name', 'test', '--scopes', 'all', '--raw'];
    const token = await admin('generate-access-token', ...access);
    const url = `http://${started.getHost()}:${started.getMappedPort(IMAGE_PORT)}`;
    const stop = async (): Promise<void> => {
      await started.stop();
    };
    return resolved({ url, token, isShared: false, what: `container ${IMAGE}`, stop });
  } catch (error) {
    process.stderr.write(`gitea: Docker answers but ${IMAGE} does not start: ${String(error)}\n`);
    return undefined;
  }
}

async function inProcess(wishes: GiteaWishes): Promise<ResolvedGitea | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'leastwise-gitea-'));
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const server = await startGitea({ dir, ...wishes });
    const { url, token, version } = server;
    const stop = async (): Promise<void> => {
      await server.stop();
      await remove();
    };
    return resolved({ url, token, isShared: false, what: `local process ${version}`, stop });
  } catch (error) {
    await remove();
    sayMissing('gitea', error);
    return undefined;
  }
}

function resolved(facts: {
  readonly url: string;
  readonly token: string;
  readonly isShared: boolean;
  readonly what: string;
  readonly stop: () => Promise<void>;
}): ResolvedGitea {
  const { stop, ...rest } = facts;
  sayServer('gitea', facts.what);
  return { ...rest, prefix: `lw-${randomBytes(6).toString('hex')}-`, [Symbol.asyncDispose]: stop };
}
