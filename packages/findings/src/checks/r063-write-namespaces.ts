import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { CHANGE } from './resources.ts';

/** Changes or deletes namespaces: requests on one of them are asked in it, so that a RoleBinding grants them. */
export const R063 = grantCheck(
  {
    id: 'R063',
    title: 'Changes or deletes namespaces',
    why: 'Labels of a namespace decide on Pod Security admission and network policies; its deletion takes everything in it along.',
    remedy: 'Make and label namespaces from the pipeline that owns them.',
    peers: ['GP'],
  },
  {
    targets: [namespaced('', ['namespaces'], [...CHANGE, 'delete'])],
    severities: everywhere('HIGH'),
  },
);
