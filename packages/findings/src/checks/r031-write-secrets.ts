import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { type CombinationCheck, infoOf } from './check.ts';
import { isNamed, part } from './grant-check.ts';
import { CHANGE } from './resources.ts';

const SEVERITIES = byScope('CRITICAL', 'CRITICAL', 'MEDIUM');

/**
 * Makes a secret of type service-account-token and reads the token that the controller writes into it. An update or a patch shows
 * in its answer what is there.
 */
export const R031: CombinationCheck = {
  kind: 'combination',
  info: infoOf(
    {
      id: 'R031',
      title: 'Mints tokens by writing secrets',
      why: 'A secret of type service-account-token gets a token of any service account of its namespace, which never ends. Writing secrets also replaces the credentials that others trust.',
      remedy: 'Name the secrets in resourceNames; let one tool write secrets, in the namespaces it serves.',
      peers: ['RP issue_token_secrets', 'RP obtain_token_weak_ns'],
    },
    SEVERITIES,
  ),
  parts: [
    part('change any', [namespaced('', ['secrets'], CHANGE)], (grant) => !isNamed(grant)),
    part('create', [namespaced('', ['secrets'], ['create'])]),
    part('see', [namespaced('', ['secrets'], ['get', 'patch'])]),
  ],
  alternatives: [{ all: ['change any'] }, { all: ['create', 'see'] }],
  rate: ({ kind }) => SEVERITIES[kind],
};
