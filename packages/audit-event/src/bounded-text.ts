import { createHash } from 'node:crypto';

import type { Subject } from './types.ts';

/** Longest texts that are kept whole. Names of objects end at 253; the rest is room for what people invent. */
export const MAX_TEXT = 1024;
/** Marks a stand-in for a text that was too long to keep: a noncharacter, so no valid name holds it. */
export const STAND_IN = '\uFFFF';

/** A text as it may be kept: itself, or a short stand-in that nothing can be rendered for. */
export function boundedText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${STAND_IN}${createHash('sha256').update(text).digest('hex')}`;
}

/** A subject as it may be kept: itself, where its texts are not too long. */
export function boundedSubject(subject: Subject): Subject {
  if (subject.name.length <= MAX_TEXT && subject.namespace.length <= MAX_TEXT) return subject;
  return { ...subject, namespace: boundedText(subject.namespace), name: boundedText(subject.name) };
}
