import { subjectCheck } from './binding-check.ts';

/** The group that no authorizer is asked about. */
export const R010 = subjectCheck(
  {
    id: 'R010',
    title: 'Binds system:masters',
    why: 'Members of system:masters may do everything, whatever RBAC says: the binding grants them nothing, and removing it takes nothing away. It hides who they are.',
    remedy: 'Bind a group of your own, and issue no certificate with this group.',
    severity: 'CRITICAL',
    peers: ['TR 0123', 'KU 0246 (manual)', 'KY', 'GP'],
  },
  (subject) => (subject.kind === 'Group' && subject.name === 'system:masters' ? 'CRITICAL' : undefined),
);
