#!/usr/bin/env node
// `build.mjs [VERSION]`: builds the real Gitea from its published Go module and prints the folder with the binary
// `gitea` and, in `static`, the templates and texts that it reads. What was built once is kept in ~/.cache/leastwise-test.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CACHE, need, say, underLock } from '../servers/build-once.mjs';

export const GITEA_VERSION = '1.24.6';
const MODULE = 'code.gitea.io/gitea';
const TAGS = 'sqlite sqlite_unlock_notify';
const LOCK_TIMEOUT_MS = 1_800_000;

/** The program: upstream's own is a `main` too, so that no other module can build it under a name of its own. */
const main = (version) => `package main

import (
	"os"
	"time"

	"${MODULE}/cmd"
	"${MODULE}/modules/log"
	_ "${MODULE}/modules/markup/markdown"
	"${MODULE}/modules/setting"
)

func main() {
	setting.AppVer = "${version}"
	setting.AppStartTime = time.Now().UTC()
	app := cmd.NewMainApp(cmd.AppVersion{Version: "${version}"})
	_ = cmd.RunMainApp(app, os.Args...)
	log.GetManager().Close()
}
`;

function download(version, cwd) {
  const text = execFileSync('go', ['mod', 'download', '-json', `${MODULE}@v${version}`], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, GOWORK: 'off', GOFLAGS: '' },
  });
  return JSON.parse(text);
}

/** The main module of our build. `replace` and `exclude` hold only in a main module, so that ours has to repeat them. */
function moduleFile(version, upstream) {
  const parsed = JSON.parse(execFileSync('go', ['mod', 'edit', '-json', upstream], { encoding: 'utf8' }));
  const named = ({ Path, Version }) => [Path, Version].filter(Boolean).join(' ');
  return [
    'module leastwise.dev/test/gitea',
    '',
    `go ${parsed.Go}`,
    '',
    ...(parsed.Godebug ?? []).map(({ Key, Value }) => `godebug ${Key}=${Value}`),
    '',
    `require ${MODULE} v${version}`,
    '',
    ...(parsed.Replace ?? []).map(({ Old, New }) => `replace ${named(Old)} => ${named(New)}`),
    ...(parsed.Exclude ?? []).map((each) => `exclude ${named(each)}`),
    '',
  ].join('\n');
}

/** The module cache is read-only; whoever clears our cache should be able to. */
function copyWritable(from, to) {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      copyWritable(source, target);
    } else {
      copyFileSync(source, target);
      chmodSync(target, 0o644);
    }
  }
}

function buildInto(folder, version) {
  need('go', ['version'], 'install Go 1.24 or newer');
  need('cc', ['--version'], 'install a C compiler, for SQLite (Debian: gcc and libc6-dev)');
  say(`building Gitea ${version} (once; it takes some minutes)`);
  const work = `${folder}.work-${process.pid}`;
  mkdirSync(join(work, 'out', 'static'), { recursive: true });
  try {
    const { Dir, GoMod } = download(version, work);
    writeFileSync(join(work, 'go.mod'), moduleFile(version, GoMod));
    copyFileSync(join(Dir, 'go.sum'), join(work, 'go.sum'));
    chmodSync(join(work, 'go.sum'), 0o644);
    writeFileSync(join(work, 'main.go'), main(version));
    const env = { ...process.env, CGO_ENABLED: '1', GOWORK: 'off', GOFLAGS: '-mod=mod -buildvcs=false' };
    const args = ['build', '-trimpath', '-tags', TAGS, '-ldflags', '-s -w', '-o', join('out', 'gitea'), '.'];
    execFileSync('go', args, { cwd: work, env, stdio: ['ignore', 2, 2] });
    for (const name of ['options', 'public', 'templates']) {
      copyWritable(join(Dir, name), join(work, 'out', 'static', name));
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'out'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Builds what is missing and returns the folder. */
export async function buildGitea(version = GITEA_VERSION) {
  const folder = join(CACHE, `gitea-${version}`);
  mkdirSync(CACHE, { recursive: true });
  await underLock(`${folder}.lock`, LOCK_TIMEOUT_MS, async () => {
    // Put into place whole: with the binary all else is there.
    if (!existsSync(join(folder, 'gitea'))) buildInto(folder, version);
  });
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await buildGitea(process.argv[2])}\n`);
  } catch (error) {
    say(`Gitea is not there: ${error.message}`);
    process.exitCode = 1;
  }
}
