import { clusterWide } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { WRITE, REMOVE } from './resources.ts';

/** Changes custom resource definitions. */
export const R073 = grantCheck(
  {
    id: 'R073',
    title: 'Changes custom resource definitions',
    why: 'A conversion webhook sees and rewrites every object of its kind; deleting a definition deletes all its objects.',
    remedy: 'Install definitions from the pipeline of the platform; operators need not write them.',
    peers: ['RT'],
  },
  {
    targets: [clusterWide('apiextensions.k8s.io', ['customresourcedefinitions'], [...WRITE, ...REMOVE])],
    severities: everywhere('HIGH'),
    rate: ({ verbs }) => (verbs.every((verb) => verb === 'create') ? 'MEDIUM' : 'HIGH'),
  },
);
