#!/usr/bin/env node
// `build.mjs [VERSION]`: builds the real kube-apiserver, kubectl, kube-controller-manager, kube-scheduler and kwok from
// their published Go modules and prints the folder of the binaries. What was built once is kept in ~/.cache/leastwise-test.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const KUBERNETES_VERSION = '1.34.1';
const KWOK_VERSION = 'v0.7.0';
const BINARIES = ['kube-apiserver', 'kubectl', 'kube-controller-manager', 'kube-scheduler'];

const say = (line) => process.stderr.write(`${line}\n`);

/** Runs Go with its chatter on stderr. */
function go(args, cwd, env = {}) {
  const all = {
    ...process.env,
    CGO_ENABLED: '0',
    GOWORK: 'off',
    GOFLAGS: '-mod=mod -buildvcs=false',
    ...env,
  };
  execFileSync('go', args, { cwd, env: all, stdio: ['ignore', 2, 2] });
}

/**
 * The main module of our build. `k8s.io/kubernetes` requires its staging modules at v0.0.0, which do not exist:
 * whoever builds it has to say which ones are meant.
 */
function moduleFile(version, folder) {
  const upstream = execFileSync('go', ['mod', 'download', '-json', `k8s.io/kubernetes@v${version}`], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GOWORK: 'off', GOFLAGS: '' },
  });
  const { GoMod } = JSON.parse(upstream);
  const parsed = JSON.parse(execFileSync('go', ['mod', 'edit', '-json', GoMod], { encoding: 'utf8' }));
  const staging = parsed.Require.filter((each) => each.Version === 'v0.0.0').map((each) => each.Path);
  return [
    'module leastwise.dev/test/kubernetes',
    '',
    `go ${parsed.Go}`,
    '',
    // Behaviour that depends on the main module's Go version stays what upstream's binaries have.
    ...(parsed.Godebug ?? []).map(({ Key, Value }) => `godebug ${Key}=${Value}`),
    '',
    `require k8s.io/kubernetes v${version}`,
    '',
    ...staging.map((path) => `replace ${path} => ${path} v${version.replace(/^1\./, '0.')}`),
    '',
  ].join('\n');
}

/** Builds what is missing and returns the folder of the binaries. */
export function build(version = KUBERNETES_VERSION) {
  const cache = join(homedir(), '.cache', 'leastwise-test', `kubernetes-${version}`);
  if ([...BINARIES, 'kwok'].every((name) => existsSync(join(cache, name)))) return cache;
  const work = join(cache, `work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(join(work, 'go.mod'), moduleFile(version, work));
    const stamp = `-X k8s.io/component-base/version.gitVersion=v${version}`;
    for (const name of BINARIES) {
      if (existsSync(join(cache, name))) continue;
      say(`building ${name} ${version} (the first one takes some minutes)`);
      go(
        [
          'build',
          '-trimpath',
          '-ldflags',
          `-s -w ${stamp}`,
          '-o',
          join(work, 'out'),
          `k8s.io/kubernetes/cmd/${name}`,
        ],
        work,
      );
      renameSync(join(work, 'out'), join(cache, name));
    }
    if (!existsSync(join(cache, 'kwok'))) {
      say(`building kwok ${KWOK_VERSION}`);
      go(['install', `sigs.k8s.io/kwok/cmd/kwok@${KWOK_VERSION}`], work, { GOBIN: work });
      renameSync(join(work, 'kwok'), join(cache, 'kwok'));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cache;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${build(process.argv[2])}\n`);
}
