import { byScope } from '../access/scope.ts';
import { subjectCheck } from './binding-check.ts';
import { infoOf } from './check.ts';

const SEVERITIES = byScope('INFO', 'MEDIUM', 'INFO');

/** Rights in one namespace for an account of another. */
export const R018 = subjectCheck(
  infoOf(
    {
      id: 'R018',
      title: 'Grants to a service account of another namespace',
      why: 'Whoever may start pods in the other namespace holds it too. In a privileged namespace that is a way in.',
      remedy: 'Look whether it is meant; keep who may start pods there as few as who may here.',
      peers: [],
    },
    SEVERITIES,
  ),
  (subject, { scope }) => {
    const isForeign =
      subject.kind === 'ServiceAccount' && scope.namespace !== '' && subject.namespace !== scope.namespace;
    return isForeign ? SEVERITIES[scope.kind] : undefined;
  },
);
