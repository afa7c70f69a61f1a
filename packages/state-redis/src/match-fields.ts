import type { ActivityDay } from '@leastwise/activity';
import { encodeMatches, encodeMatchKeys } from '@leastwise/state';

import { matchesField, matchKeysField } from './field-names.ts';
import type { Changed } from './merge-changes.ts';

const GONE = '';

/** A field of what detections found of a subject: all of it, or the keys, which are kept for longer. */
type MatchKind = 'matches' | 'keys';

function fieldOf(kind: MatchKind, cluster: string, day: number, subject: string): string {
  return kind === 'matches' ? matchesField(cluster, day, subject) : matchKeysField(cluster, day, subject);
}

/** Which fields of what detections found on an open day stand in Redis, and which are out of date. */
export class MatchFields {
  /** By subject. */
  readonly #standing = new Map<string, Set<MatchKind>>();
  readonly #changed = new Set<string>();

  /** A field was read. */
  stands(subject: string, kind: MatchKind): void {
    const known = this.#standing.get(subject) ?? new Set();
    this.#standing.set(subject, known.add(kind));
  }

  /** Something more was found of a subject. */
  changed(subject: string): void {
    this.#changed.add(subject);
  }

  /** The fields that stand. */
  *names(
    cluster: string,
    day: number,
  ): Generator<readonly [field: string, part: { readonly kind: MatchKind; readonly actor: string }]> {
    for (const [subject, kinds] of this.#standing) {
      for (const kind of kinds) yield [fieldOf(kind, cluster, day, subject), { kind, actor: subject }];
    }
  }

  /** Writes what is out of date; as gone what has left a capped day, since it is in the sums of the others already. */
  write(cluster: string, { day, matches }: ActivityDay, changed: Changed): void {
    for (const [subject, kinds] of this.#standing) {
      if (matches.has(subject)) continue;
      for (const kind of kinds) changed(fieldOf(kind, cluster, day, subject), GONE);
      this.#standing.delete(subject);
    }
    for (const subject of this.#changed) {
      const found = matches.get(subject);
      if (found === undefined) continue;
      this.#write(['matches', cluster, day, subject], encodeMatches(day, found), changed);
      this.#write(['keys', cluster, day, subject], encodeMatchKeys(day, found), changed);
    }
    this.#changed.clear();
  }

  #write(
    [kind, cluster, day, subject]: readonly [MatchKind, string, number, string],
    value: readonly unknown[] | undefined,
    changed: Changed,
  ): void {
    if (value === undefined) return;
    changed(fieldOf(kind, cluster, day, subject), JSON.stringify(value));
    this.stands(subject, kind);
  }

  /** What is given up before the rest stands no more. */
  forget(): void {
    for (const [subject, kinds] of this.#standing) {
      kinds.delete('matches');
      if (kinds.size === 0) this.#standing.delete(subject);
    }
  }
}
