import { subjectCheck } from './binding-check.ts';

/** Subjects that are not there. What exists has to be known wholly; else nothing is said. */
export const R020 = subjectCheck(
  {
    id: 'R020',
    title: 'The subject of a binding is gone',
    why: 'Whoever makes a service account, or gets a user, of that name inherits what the binding grants.',
    remedy: 'Remove the subject from the binding.',
    severity: 'MEDIUM',
    peers: ['GP'],
  },
  (subject, _, model) =>
    model.isGone(subject) ? { severity: 'MEDIUM', because: 'there is no such subject' } : undefined,
);
