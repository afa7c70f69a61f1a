import type { Subject } from '@leastwise/audit-event';
import { usernameOf } from '@leastwise/audit-event';

import { isPerson } from '../detect/person.ts';
import { cutName } from '../traces/trace.ts';

/** Gives a person's name a stable stand-in that does not tell it, such as `person-7f3a61c2`. */
export type PseudonymOf = (name: string) => string;

/** What parts words in commands, paths, lists and sentences; none of it is in most names. */
const BETWEEN = /([\s/:,;=|'"`<>()[\]{}?&]+)/;

/** How the names of people are written in a report: as they are, or as pseudonyms wherever they stand. */
export interface Names {
  nameOf(subject: Subject): string;
  /** A text of the log, in which the names of people may stand as words. */
  text(text: string): string;
}

const AS_THEY_ARE: Names = {
  nameOf: (subject) => cutName(usernameOf(subject)),
  text: (text) => text,
};

/**
 * The names of a report. With pseudonyms, a person's name is replaced as a whole and wherever it stands as a word of
 * its own: after `--as`, as the name of an object, in a sentence. Parts of names (`dev-alice`) are not found.
 * @param people - all names that may stand in texts
 */
export function namesFor(people: ReadonlySet<string>, pseudonymOf: PseudonymOf | undefined): Names {
  if (pseudonymOf === undefined) return AS_THEY_ARE;
  const words = new Map([...people].filter((name) => name !== '').map((name) => [name, pseudonymOf(name)]));
  // What has a separator in it is no word; the longest first, since one may hold another.
  const phrases = [...words.keys()].filter((name) => BETWEEN.test(name)).sort((a, b) => b.length - a.length);
  return {
    nameOf: (subject) => (isPerson(subject) ? pseudonymOf(subject.name) : usernameOf(subject)),
    text: (text) => {
      let replaced = text;
      for (const phrase of phrases) replaced = replaced.replaceAll(phrase, words.get(phrase) ?? '');
      return replaced
        .split(BETWEEN)
        .map((word) => {
          const [, name = '', end = ''] = /^(.*?)([.!…]*)$/.exec(word) ?? [];
          return words.get(word) ?? (words.has(name) ? `${words.get(name) ?? ''}${end}` : word);
        })
        .join('');
    },
  };
}
