import { createHash } from 'node:crypto';

import { type Subject, subjectKey } from '@leastwise/audit-event';

/** Longest names that are kept whole, and the mark of the stand-ins for longer ones: the same as in evidence. */
const MAX_TEXT = 1024;
const STAND_IN = '\uFFFF';

function bounded(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${STAND_IN}${createHash('sha256').update(text).digest('hex')}`;
}

interface Remembered {
  readonly kind: Subject['kind'];
  readonly namespace: string;
  readonly key: string;
}

const MAX_REMEMBERED = 4096;
/** By name. Requests of few subjects come in great numbers, and a new text has to be hashed for each lookup. */
const remembered = new Map<string, Remembered>();

/** The key of a subject, of a bounded length: a short stand-in takes the place of a name that is too long to keep. */
export function boundedSubjectKey(subject: Subject): string {
  const { kind, namespace, name } = subject;
  const known = remembered.get(name);
  if (known !== undefined && known.kind === kind && known.namespace === namespace) return known.key;
  if (name.length > MAX_TEXT || namespace.length > MAX_TEXT) {
    return subjectKey({ kind, namespace: bounded(namespace), name: bounded(name) });
  }
  const key = subjectKey(subject);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(name, { kind, namespace, key });
  return key;
}

/** The subject that has a key, `undefined` where none has it. */
export function parseSubjectKey(key: string): Subject | undefined {
  const subject = subjectAt(key, key.indexOf(':'));
  return subject !== undefined && subjectKey(subject) === key ? subject : undefined;
}

function subjectAt(key: string, colon: number): Subject | undefined {
  const rest = key.slice(colon + 1);
  switch (key.slice(0, colon)) {
    case 'user':
      return { kind: 'User', namespace: '', name: rest };
    case 'group':
      return { kind: 'Group', namespace: '', name: rest };
    case 'serviceaccount': {
      const end = rest.indexOf(':');
      const namespace = rest.slice(0, end).replaceAll('%3A', ':').replaceAll('%25', '%');
      return { kind: 'ServiceAccount', namespace, name: rest.slice(end + 1) };
    }
    default:
      return undefined;
  }
}
