import { execFileSync } from 'node:child_process';

import type { Files, PersonCommit } from '@leastwise/publish';

import { git, temporaryDirectory } from '../../testing/temporary.ts';

/** A new bare repository whose branch `main` holds the files; empty where there are none. */
export function bareRepository(files: Files = new Map(), ...initArgs: string[]): string {
  const root = temporaryDirectory();
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', ...initArgs, '.');
  // What forges have set: partial clones are served, and pushes over https.
  git(root, 'config', 'uploadpack.allowFilter', 'true');
  git(root, 'config', 'http.receivePack', 'true');
  if (files.size > 0) {
    const changes = [...files].map(([path, content]) => ({ action: 'write', path, content }) as const);
    pointAsPerson(root, 'main', commitAsPerson(root, { parents: [], changes, message: 'start\n' }));
  }
  return root;
}

/** Commits in a bare repository as a person would, without moving a branch; each time at another second. */
export function commitAsPerson(root: string, { parents, changes, message }: PersonCommit): string {
  const text = (value: string): string => `data ${String(Buffer.byteLength(value))}\n${value}\n`;
  const [parent, ...merged] = parents;
  const lines = [
    'commit refs/person\n',
    `committer Person <person@example.com> ${String(1_700_000_000 + made++)} +0100\n`,
    text(message),
    parent === undefined ? '' : `from ${parent}\n`,
    ...merged.map((other) => `merge ${other}\n`),
    ...changes.map((change) =>
      change.action === 'delete'
        ? `D ${JSON.stringify(change.path)}\n`
        : `M 100644 inline ${JSON.stringify(change.path)}\n${text(change.content)}`,
    ),
    '\n',
  ];
  // Without a parent of its own fast-import would go on from where the ref is.
  if (hasRef(root, 'refs/person')) git(root, 'update-ref', '-d', 'refs/person');
  execFileSync('git', ['fast-import', '--quiet', '--force'], {
    cwd: root,
    input: lines.join(''),
    stdio: 'pipe',
  });
  const oid = git(root, 'rev-parse', 'refs/person').trim();
  git(root, 'update-ref', '-d', 'refs/person');
  return oid;
}

let made = 0;

/** Points a branch of a bare repository at a commit, or deletes it. */
export function pointAsPerson(root: string, branch: string, commit: string | undefined): void {
  if (commit === undefined) git(root, 'update-ref', '-d', `refs/heads/${branch}`);
  else git(root, 'update-ref', `refs/heads/${branch}`, commit);
}

function hasRef(root: string, ref: string): boolean {
  return git(root, 'for-each-ref', ref) !== '';
}

/** Somebody who pushes to a bare repository. */
export function personAt(root: string) {
  return {
    commit: async (commit: PersonCommit) => commitAsPerson(root, commit),
    point: async (branch: string, commit: string | undefined) => pointAsPerson(root, branch, commit),
  };
}
