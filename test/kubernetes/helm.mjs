#!/usr/bin/env node
// `helm.mjs [VERSION]`: builds the real Helm from its published Go module and prints the path of the program. What was
// built once is kept in ~/.cache/leastwise-test.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CACHE, need, say, underLock } from '../servers/build-once.mjs';

export const HELM_VERSION = '3.19.0';
/** The Kubernetes that this Helm is made with, as upstream's own build says it: what `helm template` takes for granted. */
const KUBERNETES_MINOR = '34';
const LOCK_TIMEOUT_MS = 1_800_000;

function buildInto(folder, version) {
  need('go', ['version'], 'install Go 1.24 or newer');
  say(`building Helm ${version} (once; it takes some minutes)`);
  const work = `${folder}.work-${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const stamps = [
      `helm.sh/helm/v3/internal/version.version=v${version}`,
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1',
      `helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${KUBERNETES_MINOR}`,
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1',
      `helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=${KUBERNETES_MINOR}`,
    ];
    const flags = `-s -w ${stamps.map((stamp) => `-X ${stamp}`).join(' ')}`;
    execFileSync('go', ['install', '-trimpath', '-ldflags', flags, `helm.sh/helm/v3/cmd/helm@v${version}`], {
      cwd: work,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '', GOBIN: work },
      stdio: ['ignore', 2, 2],
    });
    mkdirSync(folder, { recursive: true });
    renameSync(join(work, 'helm'), join(folder, 'helm'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Builds what is missing and returns the path of the program. */
export async function buildHelm(version = HELM_VERSION) {
  const folder = join(CACHE, `helm-${version}`);
  mkdirSync(CACHE, { recursive: true });
  await underLock(`${folder}.lock`, LOCK_TIMEOUT_MS, async () => {
    if (!existsSync(join(folder, 'helm'))) buildInto(folder, version);
  });
  return join(folder, 'helm');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await buildHelm(process.argv[2])}\n`);
  } catch (error) {
    say(`Helm is not there: ${error.message}`);
    process.exitCode = 1;
  }
}
