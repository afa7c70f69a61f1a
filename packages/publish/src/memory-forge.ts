import { checkPath } from './check-path.ts';
import { foldersOf } from './fold-path.ts';
import { PublishError } from './types.ts';
import type { Files, Forge, Plan } from './types.ts';

/** A repository that is a map; the twin of the real ones, for tests and dry runs. */
export interface MemoryForge extends Forge {
  /** What it holds now. */
  readonly files: Files;
  /** The messages of its commits, oldest first. */
  readonly messages: readonly string[];
}

/**
 * Makes a repository in memory. Its commits are named by their number: `1`, `2`, ….
 * @param initial - what it holds at the start; copied.
 */
export function createMemoryForge(initial: Files = new Map()): MemoryForge {
  let files = new Map(initial);
  const messages: string[] = [];
  return {
    get files() {
      return files;
    },
    messages,
    read(folders) {
      const wanted = folders.map((folder) => `${folder}/`);
      const found = [...files].filter(
        ([path]) => wanted.length === 0 || wanted.some((folder) => path.startsWith(folder)),
      );
      return Promise.resolve(new Map(found.sort(([a], [b]) => (a < b ? -1 : 1))));
    },
    async apply(plan, message) {
      if (plan.changes.length === 0) return Promise.resolve(undefined);
      files = applied(files, plan);
      messages.push(message);
      return Promise.resolve(String(messages.length));
    },
  };
}

function applied(before: Files, plan: Plan): Map<string, string> {
  for (const { path } of plan.changes) checkPath(path);
  const after = new Map(before);
  for (const change of plan.changes) if (change.action === 'delete') after.delete(change.path);
  for (const change of plan.changes) if (change.action === 'write') after.set(change.path, change.content);
  for (const path of after.keys()) {
    const file = foldersOf(path).find((folder) => after.has(folder));
    if (file !== undefined) throw new PublishError(`${JSON.stringify(file)} is a file, not a folder`);
  }
  return after;
}
