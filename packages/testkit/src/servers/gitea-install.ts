import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SERVER_CACHE } from './child.ts';

/** The version that tests run against. */
export const GITEA_VERSION = '1.24.6';

const BUILD = fileURLToPath(new URL('../../../../test/gitea/build.mjs', import.meta.url));
const SETPRIV = '/usr/bin/setpriv';
/** `nobody`, by the number that Debian, Fedora and Alpine agree on. */
const NOBODY = 65_534;

/** Gitea as it is run. */
export interface GiteaInstall {
  readonly version: string;
  readonly binary: string;
  /** Its templates and texts. */
  readonly statics: string;
}

/**
 * Gitea from the cache, built by `test/gitea/build.mjs` where it is not there yet, which takes some minutes.
 * @throws Error where it cannot be built, about which the script says more on stderr, or where this is root and nothing
 * can make it another user
 */
export async function giteaInstall(version = GITEA_VERSION): Promise<GiteaInstall> {
  if (isRoot() && !existsSync(SETPRIV)) {
    throw new Error(`Gitea does not run as root, and ${SETPRIV} is missing (Debian: util-linux)`);
  }
  const folder = join(SERVER_CACHE, `gitea-${version}`);
  const binary = join(folder, 'gitea');
  if (!existsSync(binary)) await buildGitea(version);
  return { version, binary, statics: join(folder, 'static') };
}

/** The words before Gitea's own that make it an ordinary user's, where this is root. */
export function asOrdinaryUser(): readonly string[] {
  if (!isRoot()) return [];
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  // Changing the user forgets what was to happen when the parent dies.
  return [SETPRIV, ...user, '--pdeathsig', 'KILL'];
}

/**
 * Where this is root, gives the folder to the ordinary user and puts Gitea's files into it, since that user cannot look
 * into root's cache. Returns what to run.
 */
export async function withinReach(install: GiteaInstall, dir: string): Promise<GiteaInstall> {
  if (!isRoot()) return install;
  await giveToOrdinaryUser(dir);
  const [binary, statics] = [join(dir, 'gitea'), join(dir, 'static')];
  if (!existsSync(binary)) await linked(install.binary, binary);
  if (!existsSync(statics)) await linkedFolder(install.statics, statics);
  return { ...install, binary, statics };
}

/** Where this is root, makes a file or folder the ordinary user's. */
export async function giveToOrdinaryUser(path: string): Promise<void> {
  if (isRoot()) await chown(path, NOBODY, NOBODY);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function linkedFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    await (entry.isDirectory() ? linkedFolder(source, target) : linked(source, target));
  }
}

/** A copy where the temporary folder is another file system. */
async function linked(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

/** Not synchronous: a test runner takes a worker that is silent for a minute for dead. */
function buildGitea(version: string): Promise<void> {
  process.stderr.write(`Gitea ${version} is not in ${SERVER_CACHE}: running test/gitea/build.mjs\n`);
  const child = spawn(process.execPath, [BUILD, version], { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Gitea ${version} could not be built: test/gitea/build.mjs says why`));
    });
  });
}
