/** Files of a repository by path: relative, `/`-separated, without `.` or `..` segments. */
export type Files = ReadonlyMap<string, string>;

/** One step from what a repository holds to what it should hold. */
export type PlannedChange =
  | { readonly action: 'write'; readonly path: string; readonly content: string }
  | { readonly action: 'delete'; readonly path: string };

/** The steps, in the order of their paths; empty means: nothing to do, no commit. */
export interface Plan {
  readonly changes: readonly PlannedChange[];
  /** Files that stand where ours should, and are not ours: left alone, told to the user. */
  readonly foreign: readonly string[];
}

/** A GitOps repository. */
export interface Forge {
  /** The files below the given folders (all when none is given). */
  read(folders: readonly string[]): Promise<Files>;
  /** Carries a plan out as one change. Returns the commit, or `undefined` where there are no commits or nothing changed. */
  apply(plan: Plan, message: string): Promise<string | undefined>;
}

/** A repository that cannot be read or written. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly code = 'LW_PUBLISH';
}
