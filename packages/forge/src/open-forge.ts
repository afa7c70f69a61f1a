import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import type { Forge } from '@leastwise/publish';

import { failAsPublishError, openDirectoryForge } from './directory-forge.ts';
import { entryKind } from './entry-kind.ts';
import { findTopLevel, openGitForge } from './git-forge.ts';

/**
 * Opens a directory as what it is: the top level of a git work tree as a git repository, anything else as a plain
 * directory. A folder inside somebody's repository is a plain directory: what happens to it there is up to them.
 * @throws PublishError if it is neither, or holds a `.git` that git cannot be asked about.
 */
export async function openForge(root: string): Promise<Forge> {
  const isGit = await failAsPublishError(async () => {
    if ((await entryKind(join(root, '.git'))) === 'absent') return false;
    const absolute = await realpath(root);
    return (await findTopLevel(absolute)) === absolute;
  });
  return isGit ? openGitForge(root) : openDirectoryForge(root);
}
