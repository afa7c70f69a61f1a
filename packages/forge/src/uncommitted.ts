import { join } from 'node:path';

import { PublishError } from '@leastwise/publish';
import type { Plan, PlannedChange } from '@leastwise/publish';

import { kindBelow } from './entry-kind.ts';
import { runGit, splitNul } from './git.ts';
import { readRegularFile } from './read-files.ts';

/** How many paths a message names before it counts the rest. */
const NAMED_PATHS = 20;

/**
 * Makes sure that a plan destroys nothing that is not committed: each file it changes is as committed, or is
 * already as planned (what a run that was killed before its commit leaves).
 * @throws PublishError naming the files that a person edited, staged or put there without a commit, and those
 *   inside a submodule.
 */
export async function refuseUncommitted(root: string, plan: Plan): Promise<void> {
  const edited = await readStatus(root);
  const index = await readIndex(root);
  const refused: string[] = [];
  for (const change of plan.changes) {
    const status = edited.get(change.path);
    const isAsCommitted = status === undefined && index.tracked.has(change.path);
    // Staged and then edited again: what was staged is nowhere else.
    const isStagedAndEdited = status !== undefined && !status.includes(' ');
    if (isAsCommitted) continue;
    if (isStagedAndEdited || !(await isAsPlanned(root, change))) refused.push(change.path);
  }
  if (refused.length > 0) {
    throw new PublishError(
      `not committed, so not overwritten (commit or discard them): ${nameSome(refused)}`,
    );
  }
  const inSubmodule = plan.changes.filter(({ path }) => index.submodules.some((at) => path.startsWith(at)));
  if (inSubmodule.length > 0) {
    throw new PublishError(`inside a submodule: ${nameSome(inSubmodule.map(({ path }) => path))}`);
  }
}

async function isAsPlanned(root: string, change: PlannedChange): Promise<boolean> {
  const kind = await kindBelow(root, change.path);
  // A folder holds nothing that writing a file could destroy: it is removed only when it is empty.
  if (kind !== 'file') return true;
  return change.action === 'write' && (await readRegularFile(join(root, change.path))) === change.content;
}

/** The two letters of `git status --porcelain` for every tracked file that is not as committed. */
async function readStatus(root: string): Promise<Map<string, string>> {
  const args = [
    'status',
    '--porcelain',
    '-z',
    '--no-renames',
    '--untracked-files=no',
    '--ignore-submodules=all',
  ];
  const records = splitNul(await runGit(root, args));
  return new Map(records.map((record) => [record.slice(3), record.slice(0, 2)]));
}

async function readIndex(root: string): Promise<{ tracked: Set<string>; submodules: string[] }> {
  const tracked = new Set<string>();
  const submodules: string[] = [];
  for (const record of splitNul(await runGit(root, ['ls-files', '--stage', '-z']))) {
    const path = record.slice(record.indexOf('\t') + 1);
    tracked.add(path);
    if (record.startsWith('160000 ')) submodules.push(`${path}/`);
  }
  return { tracked, submodules };
}

function nameSome(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED_PATHS).map((path) => JSON.stringify(path));
  const rest = paths.length - named.length;
  return named.join(', ') + (rest > 0 ? ` and ${String(rest)} more` : '');
}
