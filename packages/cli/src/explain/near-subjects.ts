import { type Subject, subjectKey } from '@leastwise/audit-event';

const MAX_NEAR = 5;
const MAX_EDITS = 2;
/** What two names may differ by grows with the tries, not with the names; longer ones are no slips of a finger. */
const MAX_LENGTH = 64;
/** Of a name that another one holds: `a` is in most of them. */
const MIN_PART = 3;

/**
 * The subjects whose names come near one that nobody has, at most five, nearest first: those of the same name, of a
 * name that holds it or is held by it, and of one that differs by at most two letters; in any case of letters.
 * Linear in the number of subjects.
 */
export function nearSubjects(wanted: Subject, known: Iterable<Subject>): Subject[] {
  const near: { readonly distance: number; readonly key: string; readonly subject: Subject }[] = [];
  for (const subject of known) {
    const distance = distanceOf(wanted, subject);
    if (distance !== undefined) near.push({ distance, key: subjectKey(subject), subject });
  }
  return near
    .sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
    .slice(0, MAX_NEAR)
    .map(({ subject }) => subject);
}

/** From 0; `undefined` where it is not near. One of the same kind and namespace comes before the others. */
function distanceOf(wanted: Subject, subject: Subject): number | undefined {
  const name = distanceOfNames(wanted.name.toLowerCase(), subject.name.toLowerCase());
  if (name === undefined) return undefined;
  return name * 2 + (wanted.kind === subject.kind && wanted.namespace === subject.namespace ? 0 : 1);
}

function distanceOfNames(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (a.length <= MAX_LENGTH && b.length <= MAX_LENGTH) {
    // Two letters of three are another name.
    const edits = Math.min(MAX_EDITS, Math.floor(Math.min(a.length, b.length) / 3));
    for (let distance = 1; distance <= edits; distance += 1) {
      if (isWithinEdits(a, b, distance)) return distance;
    }
  }
  const isPart = Math.min(a.length, b.length) >= MIN_PART && (a.includes(b) || b.includes(a));
  return isPart ? MAX_EDITS + 1 : undefined;
}

/** Whether a few letters changed, left out or put in make one text the other. */
function isWithinEdits(a: string, b: string, edits: number): boolean {
  if (Math.abs(a.length - b.length) > edits) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [left, right] = [a.slice(at), b.slice(at)];
  if (left === '' || right === '') return left.length + right.length <= edits;
  if (edits === 0) return false;
  return (
    isWithinEdits(left.slice(1), right.slice(1), edits - 1) ||
    isWithinEdits(left.slice(1), right, edits - 1) ||
    isWithinEdits(left, right.slice(1), edits - 1)
  );
}
