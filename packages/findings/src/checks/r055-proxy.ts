import { namespaced } from '../access/grants.ts';
import { byScope } from '../access/scope.ts';
import { grantCheck } from './grant-check.ts';

/** Proxies to pods and services. */
export const R055 = grantCheck(
  {
    id: 'R055',
    title: 'Proxies to pods and services',
    why: 'The API server forwards requests to any port, past network policies and with its own address.',
    remedy: 'Use a Service, or a forwarded port, instead.',
    peers: [],
  },
  {
    targets: [namespaced('', ['pods/proxy', 'services/proxy'], 'any')],
    severities: byScope('HIGH', 'HIGH', 'MEDIUM'),
  },
);
