import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Creates tokens of service accounts. */
export const R032 = grantCheck(
  {
    id: 'R032',
    title: 'Creates tokens of service accounts',
    why: 'A token request makes a fresh token of a service account: whoever may create it acts as that account.',
    remedy: 'Leave token requests to the kubelet; name the service accounts in resourceNames.',
    peers: ['RP token_request', 'KU 0282', 'GP'],
  },
  {
    targets: [namespaced('', ['serviceaccounts/token'], ['create'])],
    severities: byScope('CRITICAL', 'CRITICAL', 'MEDIUM'),
  },
);
