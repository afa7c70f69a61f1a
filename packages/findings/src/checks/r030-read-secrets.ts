import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck, isNamed } from './grant-check.ts';
import { READ } from './resources.ts';

const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'MEDIUM');

/** Reads secrets. */
export const R030 = grantCheck(
  {
    id: 'R030',
    title: 'Reads secrets',
    why: 'Secrets hold passwords, keys, and tokens of service accounts: whoever reads them acts as their owners. List and watch show the content too.',
    remedy:
      'Grant get on the secrets that are needed, by resourceNames, in their namespace; mount them rather than read them.',
    peers: [
      'RP list_secrets',
      'RP retrieve_token_secrets',
      'RP obtain_token_weak_ns',
      'TR 0041/0113',
      'KU 0015/0186',
      'KS get/list',
      'KR',
      'RT',
      'KY',
      'GP',
    ],
  },
  {
    targets: [namespaced('', ['secrets'], READ)],
    severities: SEVERITIES,
    // A list of one name shows that secret only, but it is seldom what was meant.
    rate: (grant, { kind }) => {
      if (!isNamed(grant)) return SEVERITIES[kind];
      return grant.verbs.every((verb) => verb === 'get') || kind === 'namespace' ? 'LOW' : 'MEDIUM';
    },
  },
);
