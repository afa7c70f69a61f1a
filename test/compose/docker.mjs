// A Docker to run the composition with: the one that is there, or one of our own for as long as the test takes.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CACHE, need, say, underLock } from '../servers/build-once.mjs';

const COMPOSE_VERSION = '2.32.4';
const COMPOSE_MODULE = 'github.com/docker/compose/v2';
const BUILD_TIMEOUT_MS = 1_800_000;
const START_TRIES = 60;

const works = (program, args, env = process.env) =>
  spawnSync(program, args, { stdio: 'ignore', env }).status === 0;

/** What talks to a daemon. */
export class Docker {
  #env;
  #compose;

  constructor(env, compose) {
    this.#env = { ...env, DOCKER_BUILDKIT: '1' };
    this.#compose = compose;
  }

  /** Runs `docker` and returns what it prints. */
  docker(...args) {
    return this.#run('docker', args);
  }

  /** Runs `docker compose` and returns what it prints. */
  compose(args, env = {}) {
    const [program, ...first] = this.#compose;
    return this.#run(program, [...first, ...args], env);
  }

  /** Builds, with what it says shown only where it fails. */
  build(...args) {
    this.#run('docker', ['build', '--quiet', ...args]);
  }

  hasImage(name) {
    return works('docker', ['image', 'inspect', name], this.#env);
  }

  #run(program, args, env = {}) {
    return execFileSync(program, args, {
      env: { ...this.#env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 64 << 20,
    });
  }
}

/** The daemon that answers, else one of our own that `stop` ends. Needs root for the second. */
export async function openDocker() {
  need('docker', ['--version'], 'install Docker (Debian: docker.io)');
  const compose = await composeCommand();
  if (works('docker', ['info'])) {
    return { docker: new Docker(process.env, compose), isOurs: false, stop: async () => {} };
  }
  need('dockerd', ['--version'], 'start Docker, or install its daemon (Debian: docker.io)');
  const folder = mkdtempSync(join(tmpdir(), 'leastwise-docker-'));
  const host = `unix://${folder}/docker.sock`;
  // The images stay for the next time.
  const data = join(CACHE, 'docker');
  const places = ['--data-root', data, '--exec-root', `${folder}/exec`, '--pidfile', `${folder}/pid`];
  const log = openSync(`${folder}/log`, 'w');
  const args = ['-H', host, '--iptables=false', '--bridge=none', ...places];
  const daemon = spawn('dockerd', args, { stdio: ['ignore', log, log] });
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  const env = { ...process.env, DOCKER_HOST: host };
  for (let tries = 1; !works('docker', ['info'], env); tries += 1) {
    if (tries === START_TRIES || daemon.exitCode !== null) {
      daemon.kill();
      throw new Error(`dockerd does not start:\n${readFileSync(`${folder}/log`, 'utf8').slice(-2000)}`);
    }
    await sleep(500);
  }
  const stop = async () => {
    daemon.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { docker: new Docker(env, compose), isOurs: true, stop };
}

/** Compose version 2: the plugin, or a build of its published Go module, which is kept. */
async function composeCommand() {
  if (works('docker', ['compose', 'version'])) return ['docker', 'compose'];
  const file = join(CACHE, `docker-compose-${COMPOSE_VERSION}`);
  mkdirSync(CACHE, { recursive: true });
  await underLock(`${file}.lock`, BUILD_TIMEOUT_MS, async () => {
    if (!existsSync(file)) buildCompose(file);
  });
  return [file];
}

function buildCompose(file) {
  need('go', ['version'], 'install the compose plugin of Docker, or Go 1.22 or newer to build it');
  say(`building Docker Compose ${COMPOSE_VERSION} (once; it takes some minutes)`);
  const env = { ...process.env, GOWORK: 'off', GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' };
  const module = `${COMPOSE_MODULE}@v${COMPOSE_VERSION}`;
  const told = execFileSync('go', ['mod', 'download', '-json', module], { env, encoding: 'utf8' });
  const version = `-X ${COMPOSE_MODULE}/internal.Version=v${COMPOSE_VERSION}`;
  const work = `${file}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', `-s -w ${version}`, '-o', work, './cmd'];
  execFileSync('go', args, { cwd: JSON.parse(told).Dir, env, stdio: ['ignore', 2, 2] });
  chmodSync(work, 0o755);
  renameSync(work, file);
}
