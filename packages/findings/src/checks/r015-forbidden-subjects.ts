import { matchesSubject } from '../violation-policy/match.ts';
import { subjectCheck } from './binding-check.ts';

/** Subjects that the policy forbids to bind. */
export const R015 = subjectCheck(
  {
    id: 'R015',
    title: 'Binds a forbidden subject',
    why: 'The policy of the cluster forbids that this subject is bound to anything, under whatever name.',
    remedy: 'Remove the subject from the binding, or change the policy.',
    severity: 'HIGH',
    peers: [],
  },
  (subject, _, { policy }) =>
    policy.forbiddenSubjects.find((each) => matchesSubject(each.subject, subject))?.severity,
);
