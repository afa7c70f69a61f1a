import type { CountedRequest, GrantingBinding, Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';

import { emptyCluster, mergeCluster } from '../cluster-state.ts';
import { DAY_US } from '../evidence.ts';
import { bindingOfKey } from '../granting-bindings.ts';
import { observe, type Observations, type ObserveOptions } from '../observe.ts';
import type { ClusterState } from '../types.ts';

export const T0 = 1_760_000_000_000_000;

export const ALICE: Subject = { kind: 'User', namespace: '', name: 'alice' };
export const APP: Subject = { kind: 'ServiceAccount', namespace: 'ns1', name: 'app' };

/** A cell from its spelled form: `get apps/deployments ns1 web`, `get /metrics`. `-` is the empty string. */
export function permission(text: string): Permission {
  const [verb = '', what = '', namespace = '-', name = '-'] = text.split(' ');
  if (what.startsWith('/')) return { verb, apiGroup: '', resource: '', namespace: '', name: '', path: what };
  const [group, resource] = what.includes(':') ? what.split(':', 2) : ['', what];
  const plain = (part: string): string => (part === '-' ? '' : part);
  return {
    verb,
    apiGroup: group ?? '',
    resource: resource ?? '',
    namespace: plain(namespace),
    name: plain(name),
    path: '',
  };
}

/** A binding from its spelled form: `ns1/name Role/reader`, `/name ClusterRole/view` for the whole cluster. */
export function binding(text: string): GrantingBinding {
  const found = bindingOfKey(text.replace(' ', '/'));
  if (!found) throw new TypeError(`no binding: ${text}`);
  return found;
}

export interface RequestFields {
  readonly cluster?: string;
  readonly subject?: Subject;
  readonly permissions: readonly Permission[];
  readonly outcome?: CountedRequest['outcome'];
  readonly viaRbac?: boolean;
  readonly us?: number;
  readonly auditID?: string;
  readonly grantingGroup?: string;
  readonly grantingBinding?: GrantingBinding | undefined;
  readonly namespaceLife?: CountedRequest['namespaceLife'];
  readonly impersonation?: CountedRequest['impersonation'];
}

/** A counted request with defaults for all that a test does not care for. */
export function request(fields: RequestFields): CountedRequest {
  return {
    cluster: fields.cluster ?? 'default',
    identity: { hi: 0, lo: 0 },
    auditID: fields.auditID ?? 'a1',
    receivedAtUs: fields.us ?? T0,
    outcome: fields.outcome ?? 'allowed',
    client: 'kubectl',
    need: {
      subject: fields.subject ?? ALICE,
      groups: ['system:authenticated'],
      permissions: fields.permissions,
      // As attribution has it: nobody allowed a refused request, so RBAC is what it lacks.
      viaRbac: fields.outcome === 'denied' || (fields.viaRbac ?? true),
      grantingGroup: fields.grantingGroup ?? '',
      grantingBinding: fields.grantingBinding,
    },
    impersonation: fields.impersonation,
    namespaceLife: fields.namespaceLife,
  };
}

/** The state of one cluster after some requests, all of them new. */
export function stateOf(requests: readonly CountedRequest[], options?: ObserveOptions): ClusterState {
  const into: Observations = new Map();
  for (const each of requests) observe(into, each, true, options);
  return into.get('default') ?? emptyCluster('default');
}

/** The same, gathered in batches of any cut and merged in their order. */
export function stateOfBatches(batches: readonly (readonly CountedRequest[])[]): ClusterState {
  const sum = emptyCluster('default');
  for (const batch of batches) mergeCluster(sum, stateOf(batch));
  return sum;
}

const RESOURCES = [
  'pods',
  'pods/log',
  'pods/exec',
  'secrets',
  'apps:deployments',
  'apps:deployments/scale',
  'nodes',
];
const NAMES = ['-', 'a', 'b', 'web-7d4b9c6f5-xk2lp', 'web-7d4b9c6f5-zz9qq', 'web-7d4b9c6f5-bcd7f', 'n/../x'];

/** Permissions over a universe small enough for grants to meet. */
export const arbitraryPermission: fc.Arbitrary<Permission> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'get',
          'list',
          'watch',
          'create',
          'update',
          'patch',
          'delete',
          'deletecollection',
          'use',
          '',
        ),
        fc.constantFrom(...RESOURCES),
        fc.constantFrom('-', 'ns1', 'ns2', 'ns3'),
        fc.constantFrom(...NAMES),
      )
      .map(([verb, resource, namespace, name]) => permission(`${verb} ${resource} ${namespace} ${name}`)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('get', 'post'), fc.constantFrom('/metrics', '/healthz', '/logs/x', '/a*'))
      .map(([verb, path]) => permission(`${verb} ${path}`)),
  },
);

const arbitraryLife = fc.option(
  fc.record({
    namespace: fc.constantFrom('ns1', 'ns2', 'ns3'),
    change: fc.constantFrom('live' as const, 'deleted' as const),
  }),
  { nil: undefined, freq: 12 },
);

/** Requests of two subjects over some days, a tenth of them refused, some allowed by other authorizers. */
export const arbitraryRequest: fc.Arbitrary<CountedRequest> = fc
  .record({
    subject: fc.constantFrom(ALICE, APP),
    permissions: fc.array(arbitraryPermission, { minLength: 1, maxLength: 2 }),
    outcome: fc.constantFrom('allowed', 'allowed', 'allowed', 'denied'),
    viaRbac: fc.constantFrom(true, true, true, false),
    us: fc.integer({ min: 0, max: 120 }).map((day) => T0 + day * DAY_US),
    auditID: fc.constantFrom('a1', 'b2', 'c3'),
    grantingGroup: fc.constantFrom('', 'team-a', 'team-b'),
    grantingBinding: fc.constantFrom(
      undefined,
      binding('ns1/readers Role/reader'),
      binding('ns1/readers ClusterRole/view'),
      binding('/admins ClusterRole/admin'),
    ),
    namespaceLife: arbitraryLife,
  })
  .map((fields) => request(fields as RequestFields));
