import { boundedSubject, type Subject, subjectKey } from '@leastwise/audit-event';

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
  const bounded = boundedSubject(subject);
  const key = subjectKey(bounded);
  // What is too long to keep is too long to remember.
  if (bounded !== subject) return key;
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
