import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { stablePort, startChild } from './child.ts';
import {
  asOrdinaryUser,
  type GiteaInstall,
  giteaInstall,
  giveToOrdinaryUser,
  withinReach,
} from './gitea-install.ts';
import { LaunchedServer, type ServerProcess, withOtherPorts } from './server-process.ts';

const run = promisify(execFile);

/** How to start Gitea. */
export interface GiteaOptions {
  /** A folder of its own; must exist. */
  readonly dir: string;
  /** The most that a list gives at once; 50 where nothing is said. */
  readonly pageSize?: number;
}

/** A real Gitea on loopback, with SQLite and without ssh. */
export interface GiteaServer extends ServerProcess {
  readonly version: string;
  /** Without a slash at the end. */
  readonly url: string;
  /** Of an administrator, who may do all. */
  readonly token: string;
}

/**
 * Starts Gitea with an administrator and waits until it answers. It is built where it is missing, which takes minutes
 * the first time. As root it runs as `nobody`, to whom the folder is given.
 * @throws Error where it cannot be had, or with its last words where it does not come up
 */
export async function startGitea(options: GiteaOptions): Promise<GiteaServer> {
  const install = await withinReach(await giteaInstall(), options.dir);
  return withOtherPorts(() => launch(options, install));
}

async function launch(options: GiteaOptions, install: GiteaInstall): Promise<GiteaServer> {
  const { dir, pageSize = 50 } = options;
  const port = await stablePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(dir, 'app.ini');
  await writeFile(file, giteaSettings({ dir, url, port, pageSize, statics: install.statics }));
  // It writes secrets of its own into it.
  await giveToOrdinaryUser(file);
  const line: readonly string[] = [...asOrdinaryUser(), install.binary, '--config', file, '--work-path', dir];
  const [command = '', ...before] = line;
  const env = giteaEnvironment(dir);
  const admin = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(command, [...before, ...args], { env, cwd: dir });
    return stdout.trim();
  };
  // Where a port was taken, this is the second time.
  const tokenFile = join(dir, 'token');
  if (!existsSync(tokenFile)) {
    await admin('migrate');
    await writeFile(tokenFile, await createAdmin(admin));
  }
  const server = new LaunchedServer({
    what: `Gitea ${install.version}`,
    start: () => startChild(command, [...before, 'web'], `${dir}/gitea.log`, env),
    isReady: async () => (await fetch(`${url}/api/healthz`)).ok,
  });
  await server.ready();
  return Object.assign(server, { version: install.version, url, token: await readFile(tokenFile, 'utf8') });
}

/** Returns a token of an administrator that is made. */
async function createAdmin(admin: (...args: string[]) => Promise<string>): Promise<string> {
  const name = 'leastwise-admin';
  const password = randomBytes(12).toString('hex');
  const account = ['--username', name, '--password', password, '--email', `${name}@example.com`];
  await admin('admin', 'user', 'create', '--admin', '--must-change-password=false', ...account);
  const access = ['--username', name, '--token-name', 'test', '--scopes', 'all', '--raw'];
  return admin('admin', 'user', 'generate-access-token', ...access);
}

/** Nothing of the machine's own but the path: no home, no configuration of git. */
function giteaEnvironment(dir: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: dir, USER: process.env['USER'] ?? 'nobody', LC_ALL: 'C.UTF-8' };
}

interface Settings {
  readonly dir: string;
  readonly url: string;
  readonly port: number;
  readonly pageSize: number;
  readonly statics: string;
}

/** The text of `app.ini`. */
function giteaSettings({ dir, url, port, pageSize, statics }: Settings): string {
  const sections: Record<string, Record<string, string | number | boolean>> = {
    server: {
      HTTP_ADDR: '127.0.0.1',
      HTTP_PORT: port,
      ROOT_URL: `${url}/`,
      STATIC_ROOT_PATH: statics,
      APP_DATA_PATH: join(dir, 'data'),
      DISABLE_SSH: true,
      OFFLINE_MODE: true,
    },
    database: { DB_TYPE: 'sqlite3', PATH: join(dir, 'data', 'gitea.db') },
    repository: { ROOT: join(dir, 'repositories'), DEFAULT_BRANCH: 'main' },
    security: {
      INSTALL_LOCK: true,
      SECRET_KEY: randomBytes(32).toString('hex'),

      PASSWORD_HASH_ALGO: 'pbkdf2_v2',
    },
    service: { DISABLE_REGISTRATION: true },
    api: { DEFAULT_PAGING_NUM: pageSize, MAX_RESPONSE_ITEMS: pageSize },
    log: { MODE: 'console', LEVEL: 'Warn', ROOT_PATH: join(dir, 'log') },
    // In memory: tests wait for what it does, such as looking whether a branch can be merged.
    queue: { TYPE: 'channel' },
    indexer: { ISSUE_INDEXER_TYPE: 'db', ISSUE_INDEXER_PATH: join(dir, 'indexers') },
    actions: { ENABLED: false },
    packages: { ENABLED: false },
    cron: { ENABLED: false },
    oauth2: { ENABLED: false },
  };
  const lines = Object.entries(sections).flatMap(([section, values]) => [
    `[${section}]`,
    ...Object.entries(values).map(([name, value]) => `${name} = ${String(value)}`),
  ]);
  return `RUN_MODE = prod\n${lines.join('\n')}\n`;
}
