import { namespaced } from '../access/grants.ts';
import { everywhere } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Reads logs of pods. */
export const R058 = grantCheck(
  {
    id: 'R058',
    title: 'Reads logs of pods',
    why: 'Logs tell more than they should: names, tokens, requests. To delete them there is no API: such a rule was written in error.',
    remedy: 'Grant get on pods/log in the namespace that needs it.',
    peers: ['TR 0042'],
  },
  {
    targets: [namespaced('', ['pods/log'], ['get', 'delete'])],
    severities: everywhere('LOW'),
    rate: ({ verbs }) => (verbs.includes('get') ? 'LOW' : 'INFO'),
  },
);
