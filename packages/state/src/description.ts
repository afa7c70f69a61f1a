import type { SubjectStore } from './types.ts';

/** How far one source of a state was read. */
export interface SourceDescription {
  readonly source: string;
  /** `''` where nothing was read yet. */
  readonly position: string;
  /** By cluster, the newest time received, in microseconds; none where a store remembers all identities. */
  readonly watermarks: ReadonlyMap<string, number>;
}

/** What a state is besides what it knows, for people. */
export interface StateDescription {
  /** The schema version that it was written in; `undefined` where nothing was written yet. */
  readonly version: number | undefined;
  /** What it takes where it is kept; `undefined` where that cannot be told. */
  readonly bytes: number | undefined;
  /** In the order of their names. */
  readonly sources: readonly SourceDescription[];
}

/** A store that can tell of itself. */
export interface DescribedStore extends SubjectStore {
  describe(): Promise<StateDescription>;
}
