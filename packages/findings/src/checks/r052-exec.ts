import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';
import { streamVerbs } from './stream-verbs.ts';

/** Runs commands in pods. */
export const R052 = grantCheck(
  {
    id: 'R052',
    title: 'Runs commands in pods',
    why: 'Exec and attach are a shell in a running container, with its service account and its secrets.',
    remedy:
      'Grant it to people for a time, in one namespace; debug with ephemeral containers under admission control.',
    peers: ['RP pods_exec', 'RP rce_weak_ns', 'KS exec, attach', 'TR 0053/0054', 'KU 0002', 'KR', 'RT'],
  },
  {
    targets: (settings) => [namespaced('', ['pods/exec', 'pods/attach'], streamVerbs(settings))],
    severities: byScope('HIGH', 'HIGH', 'MEDIUM'),
  },
);
