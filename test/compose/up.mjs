#!/usr/bin/env node
// `up.mjs [--keep]`: builds what the composition is made of, brings it up, waits for a pull request and for all that
// Prometheus looks at, says what it saw, and takes everything down again. Images that cannot be pulled are stood in for,
// and said to be. Ends with 1 where anything is missing.
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { say } from '../servers/build-once.mjs';
import { openDocker } from './docker.mjs';
import { buildImages, canPull, UNAVAILABLE } from './stand-ins.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = ['--project-name', 'leastwise-test', '--file', `${ROOT}docker-compose.yml`];
/** What the documents promise is two minutes. */
const PROMISED_SECONDS = 120;
const PATIENCE_SECONDS = 300;
const EXPECTED_TARGETS = 5;
/** Ends by itself when its work is done. */
const isStep = (service) => service.restart === 'no';

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}

/** Asks from inside of the network, as a person's browser would from outside. */
function ask(compose, url) {
  const script = `fetch(${JSON.stringify(url)}).then(async (answer) => process.stdout.write(await answer.text()))`;
  const args = [
    'exec',
    '-T',
    '-e',
    'NODE_EXTRA_CA_CERTS=/var/lib/leastwise/ca.pem',
    'publisher',
    'node',
    '-e',
    script,
  ];
  try {
    return JSON.parse(compose(args));
  } catch {
    return undefined;
  }
}

/** What is there by now, as far as it can be seen. */
function look(compose) {
  const pulls = ask(compose, 'https://gitea:3000/api/v1/repos/leastwise/policies/pulls?state=open') ?? [];
  const targets = ask(compose, 'http://prometheus:9090/api/v1/targets')?.data.activeTargets ?? [];
  const query = (text) =>
    ask(compose, `http://prometheus:9090/api/v1/query?query=${encodeURIComponent(text)}`)?.data.result ?? [];
  return {
    pulls,
    targets,
    events: Object.fromEntries(
      query('sum by (outcome) (leastwise_events_total) > 0').map(({ metric, value }) => [
        metric.outcome,
        Number(value[1]),
      ]),
    ),
    deadLetters: Number(query('sum(leastwise_dead_letters_total)')[0]?.value[1] ?? NaN),
  };
}

const areUp = (targets) =>
  targets.length >= EXPECTED_TARGETS && targets.every(({ health }) => health === 'up');

async function wait(compose, startedMs) {
  let pullSeconds;
  for (;;) {
    const seen = look(compose);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    if (seen.pulls.length > 0) pullSeconds ??= seconds;
    const isAllThere = seen.pulls.length > 0 && areUp(seen.targets) && seen.events.counted > 0;
    if (isAllThere || seconds > PATIENCE_SECONDS) return { ...seen, pullSeconds };
    await sleep(2000);
  }
}

function tell({ pulls, targets, events, deadLetters, pullSeconds }) {
  say(`first pull request after ${pullSeconds ?? 'more than enough'} s`);
  for (const { number, title, head } of pulls) say(`  #${number} ${title} (${head.ref})`);
  for (const { labels, health, lastError } of targets) say(`  ${labels.instance} ${health} ${lastError}`);
  say(`events: ${JSON.stringify(events)}, dead letters: ${deadLetters}`);
}

/** Whether every service is as it should be: at work and well, or through with its work. */
function unwell(compose, services) {
  const lines = compose(['ps', '--all', '--format', 'json']).trim().split('\n');
  const states = lines.map((line) => JSON.parse(line));
  return states
    .filter(({ Service, State, Health, ExitCode }) =>
      isStep(services[Service])
        ? State !== 'exited' || ExitCode !== 0
        : State !== 'running' || Health !== 'healthy',
    )
    .map(({ Service, State, Health, ExitCode }) => `${Service}: ${State} ${Health} ${ExitCode}`);
}

/** Stops our services and returns those that did not end as they should after a signal. */
function stopped(compose, services) {
  const ours = Object.keys(services).filter((name) => /^(?:aggregator|publisher|feeder)/.test(name));
  compose(['stop', ...ours]);
  const lines = compose(['ps', '--all', '--format', 'json', ...ours])
    .trim()
    .split('\n');
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ ExitCode }) => ExitCode !== 0)
    .map(({ Service, ExitCode }) => `${Service} ended with ${ExitCode} after SIGTERM`);
}

async function run(docker, isKept) {
  const ports = ['GITEA_PORT', 'PROMETHEUS_PORT', 'ALERTMANAGER_PORT', 'GRAFANA_PORT'];
  const env = Object.fromEntries(await Promise.all(ports.map(async (name) => [name, await freePort()])));
  const compose = (args) => docker.compose([...FILE, ...args], env);
  const { services } = JSON.parse(compose(['config', '--format', 'json']));
  const isPublic = (image) => !image.endsWith(':compose');
  const images = [...new Set(Object.values(services).map(({ image }) => image))].filter(isPublic);
  const isStoodIn = !canPull(docker, images);
  const started = Object.keys(services).filter((name) => !isStoodIn || !UNAVAILABLE.includes(name));
  if (isStoodIn) {
    say(`Images cannot be pulled: stand-ins in their places, and none for ${UNAVAILABLE.join(', ')}.`);
    say('In the place of Fluent Bit is a shipper of ours: its configuration is not tried here.');
    await buildImages(docker, images);
  }
  try {
    const startedMs = performance.now();
    compose(['up', '--detach', ...(isStoodIn ? ['--no-build', '--pull', 'never'] : ['--build']), ...started]);
    const seen = await wait(compose, startedMs);
    tell(seen);
    const problems = unwell(compose, services);
    if ((seen.pullSeconds ?? Infinity) > PROMISED_SECONDS)
      problems.push('no pull request within two minutes');
    if (seen.deadLetters !== 0) problems.push(`${seen.deadLetters} records could not be read`);
    if (!areUp(seen.targets)) problems.push('Prometheus does not reach everything');
    if (!isKept) problems.push(...stopped(compose, services));
    if (problems.length > 0) say(compose(['logs', '--tail', '40']));
    return problems;
  } catch (error) {
    say(compose(['logs', '--tail', '40']));
    throw error;
  } finally {
    if (!isKept) compose(['down', '--volumes', '--timeout', '20']);
  }
}

const { docker, isOurs, stop } = await openDocker();
// With a Docker of our own everything ends when it does.
const isKept = process.argv.includes('--keep') && !isOurs;
try {
  const problems = await run(docker, isKept);
  for (const problem of problems) say(`PROBLEM: ${problem}`);
  say(problems.length === 0 ? 'all of it works' : `${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await stop();
}
