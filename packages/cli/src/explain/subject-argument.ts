import { parseServiceAccountFlag, type Subject, subjectFromUsername } from '@leastwise/audit-event';

import { CliError } from '../exit.ts';

const FORMS = [
  'serviceaccount:NAMESPACE:NAME (or NAMESPACE/NAME)',
  'NAMESPACE:NAME, a service account',
  'system:serviceaccount:NAMESPACE:NAME',
  'user:NAME',
  'group:NAME',
];

/**
 * Whom an argument of the command line names. Kinds come first: a service account of a namespace called `user` is
 * `serviceaccount:user:NAME`.
 * @throws CliError that lists the forms, for any other text
 */
export function parseSubject(text: string): Subject {
  const colon = text.indexOf(':');
  const subject = ofKind(text.slice(0, Math.max(colon, 0)), text.slice(colon + 1), text);
  if (subject !== undefined) return subject;
  throw new CliError(
    [`"${text}" is no subject; give one as`, ...FORMS.map((form) => `  ${form}`)].join('\n'),
  );
}

function ofKind(kind: string, name: string, text: string): Subject | undefined {
  switch (kind) {
    case 'serviceaccount':
      // No name holds a slash, so that it can stand for the colon.
      return parseServiceAccountFlag(name.replace('/', ':'));
    case 'user':
      return subjectFromUsername(name);
    case 'group':
      return name === '' ? undefined : { kind: 'Group', namespace: '', name };
    case 'system': {
      const subject = subjectFromUsername(text);
      return subject?.kind === 'ServiceAccount' ? subject : undefined;
    }
    default:
      return parseServiceAccountFlag(text);
  }
}

/** A subject as {@link parseSubject} takes it. Not for terminals without escaping. */
export function subjectArgument({ kind, namespace, name }: Subject): string {
  switch (kind) {
    case 'ServiceAccount':
      return `serviceaccount:${namespace}:${name}`;
    case 'User':
      return `user:${name}`;
    case 'Group':
      return `group:${name}`;
  }
}
