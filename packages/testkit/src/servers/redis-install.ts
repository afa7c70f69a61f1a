import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import { SERVER_CACHE } from './child.ts';

const run = promisify(execFile);
/** A jar that carries Redis 6.2 built for Linux and macOS. */
const EMBEDDED = { artifact: 'com.github.codemonstur:embedded-redis:1.4.3', folder: 'embedded-redis-1.4.3' };

/** A `redis-server` that runs here. */
export interface RedisInstall {
  readonly binary: string;
  readonly version: string;
}

/**
 * The `redis-server` of `REDIS_SERVER_BIN`, of the path, of Debian's package (installed where this is root on Debian),
 * or out of Maven's embedded-redis jar, in this order.
 * @throws Error where none can be had, or where the one of `REDIS_SERVER_BIN` does not run
 */
export async function redisInstall(environment: NodeJS.ProcessEnv = process.env): Promise<RedisInstall> {
  const chosen = environment['REDIS_SERVER_BIN'];
  if (chosen !== undefined && chosen !== '') return described(chosen);
  const present = onPath(environment['PATH'] ?? '') ?? (await fromDebian(environment)) ?? (await fromMaven());
  return described(present);
}

async function described(binary: string): Promise<RedisInstall> {
  const { stdout } = await run(binary, ['--version']);
  return { binary, version: /v=([\d.]+)/.exec(stdout)?.[1] ?? 'unknown' };
}

function onPath(path: string): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function fromDebian(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return undefined;
  process.stderr.write('redis-server is not on the path: installing the package with apt-get\n');
  const env = { ...environment, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['-qq', 'update'], { env });
    await run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', 'redis-server'], { env });
  } catch (error) {
    process.stderr.write(`apt-get could not: ${String(error)}\n`);
  }
  return onPath(environment['PATH'] ?? '');
}

async function fromMaven(): Promise<string> {
  const folder = join(SERVER_CACHE, EMBEDDED.folder);
  if (!existsSync(folder)) {
    process.stderr.write(
      `redis-server is not on the path: fetching ${EMBEDDED.artifact} from Maven Central\n`,
    );
    await mkdir(SERVER_CACHE, { recursive: true });
    const work = await mkdtemp(`${folder}-`);
    try {
      const unpack = ['dependency:unpack', `-Dartifact=${EMBEDDED.artifact}`, '-DoutputDirectory=out'];
      await run('mvn', ['-q', '-B', ...unpack, '-Dmdep.unpack.includes=**/redis-server*'], { cwd: work });
      // Another process may have been faster.
      await rename(join(work, 'out'), folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = (await readdir(folder, { recursive: true })).find((each) =>
    each.endsWith(`${process.platform}-${architecture}`),
  );
  if (name === undefined) throw new Error(`${EMBEDDED.artifact} has no Redis for this system`);
  chmodSync(join(folder, name), 0o755);
  return join(folder, name);
}
