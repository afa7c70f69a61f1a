import { checkPaths } from './check-path.ts';
import { foldersOf, foldPath } from './fold-path.ts';
import type { Files, Plan, PlannedChange } from './types.ts';

/**
 * What leads from the existing files to the wanted ones: writes what differs, deletes what is ours and no
 * longer wanted. A file that is not ours is never written nor deleted; where one stands in the way of a wanted
 * file (at its path, at its path in other letter case, or where one of the two needs a folder) that file is not
 * written and the one in the way is listed as foreign. A foreign file with the wanted content is simply fine.
 * @param isOurs - whether we may overwrite or delete an existing file; asked once for each.
 * @remarks Pure; linear in the number of files. The result does not depend on the order of the maps.
 * @throws PublishError if a wanted path is refused by {@link checkPaths}.
 */
export function planChanges(
  wanted: Files,
  existing: Files,
  isOurs: (path: string, content: string) => boolean,
): Plan {
  checkPaths(wanted.keys());
  const ours: string[] = [];
  const others: string[] = [];
  for (const [path, content] of existing) (isOurs(path, content) ? ours : others).push(path);

  const obstacles = indexObstacles(others);
  const foreign = new Set<string>();
  const changes: PlannedChange[] = [];
  for (const [path, content] of wanted) {
    if (existing.get(path) === content) continue;
    const inTheWay = obstacles(path);
    if (inTheWay.length === 0) changes.push({ action: 'write', path, content });
    for (const other of inTheWay) foreign.add(other);
  }
  for (const path of ours) if (!wanted.has(path)) changes.push({ action: 'delete', path });
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { changes, foreign: [...foreign].sort() };
}

/** Answers which of the files make it impossible to write a path. */
function indexObstacles(files: readonly string[]): (path: string) => readonly string[] {
  const byFile = new Map<string, string[]>();
  const byFolder = new Map<string, string[]>();
  for (const file of files) {
    const folded = foldPath(file);
    append(byFile, folded, file);
    for (const folder of foldersOf(folded)) append(byFolder, folder, file);
  }
  return (path) => {
    const folded = foldPath(path);
    const atFolders = [...foldersOf(folded), folded].flatMap((part) => byFile.get(part) ?? []);
    return [...atFolders, ...(byFolder.get(folded) ?? [])];
  };
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
