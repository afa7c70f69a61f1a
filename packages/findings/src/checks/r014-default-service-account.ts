import { subjectCheck } from './binding-check.ts';

/** The service account that nobody chose. */
export const R014 = subjectCheck(
  {
    id: 'R014',
    title: 'Grants to a default service account',
    why: 'Every pod of the namespace that names no service account runs as default, and holds it.',
    remedy: 'Make a service account for the workload, and bind that.',
    severity: 'MEDIUM',
    peers: ['KU 0189'],
  },
  (subject) => (subject.kind === 'ServiceAccount' && subject.name === 'default' ? 'MEDIUM' : undefined),
);
