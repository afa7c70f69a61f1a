import type { CountedRequest, Permission, Subject } from '@leastwise/audit-event';
import {
  createInference,
  DEFAULT_OPTIONS,
  emptyCluster,
  observe,
  type Observations,
  type PolicyOptions,
} from '@leastwise/rbac';

import type { PolicyReportInput } from '../policy-report/policy-report-object.ts';

export const START_US = Date.UTC(2026, 0, 5, 8) * 1000;

export const CART: Subject = { kind: 'ServiceAccount', namespace: 'shop', name: 'cart' };
export const user = (name: string): Subject => ({ kind: 'User', namespace: '', name });

export function permission(verb: string, resource: string, namespace = '', name = ''): Permission {
  return { verb, apiGroup: '', resource, namespace, name, path: '' };
}

export function urlPermission(verb: string, path: string): Permission {
  return { verb, apiGroup: '', resource: '', namespace: '', name: '', path };
}

/** What is known of a subject after allowed requests in the cluster `prod`, one second apart. */
export function inputOf(
  subject: Subject,
  permissions: readonly Permission[],
  options: PolicyOptions = DEFAULT_OPTIONS,
): PolicyReportInput {
  const into: Observations = new Map();
  for (const [at, each] of permissions.entries()) {
    const counted: CountedRequest = {
      cluster: 'prod',
      identity: { hi: 0, lo: at },
      auditID: `id-${at}`,
      receivedAtUs: START_US + at * 1_000_000,
      outcome: 'allowed',
      client: 'kubectl',
      need: { subject, groups: [], permissions: [each], viaRbac: true, grantingGroup: '' },
      impersonation: undefined,
      namespaceLife: undefined,
    };
    observe(into, counted, true);
  }
  const cluster = into.get('prod') ?? emptyCluster('prod');
  const [state] = cluster.subjects.values();
  if (!state) throw new Error('nothing was observed');
  return { state, policy: createInference(options)(state, cluster) };
}
