import { ASKED_RESOURCES, BUILT_IN_RESOURCES, type Cell, isSpecialVerb } from '@leastwise/rbac';

import { type Box, EVERYTHING, intersect, resourceCondition } from '../cover/box.ts';

const RBAC = 'rbac.authorization.k8s.io';
const CERTIFICATES = 'certificates.k8s.io';
const USER_EXTRAS = 'userextras';
const WRITES: readonly string[] = ['create', 'update', 'patch'];

/** Verbs that no request has: what the API server asks about them while it serves another request. */
interface Carried {
  readonly verbs: readonly string[];
  /** What they are granted on, as pairs of group and resource. */
  readonly on: readonly (readonly [apiGroup: string, resource: string])[];
  /** The requests that may make it ask. */
  readonly by: readonly Box[];
}

function resources(apiGroup: string, names: readonly string[], verb: readonly string[]): Box[] {
  return names.map((name) => ({
    ...EVERYTHING,
    ...resourceCondition(name),
    kind: 'resource',
    apiGroup: [apiGroup],
    verb,
  }));
}

/*
 * Sources: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation,
 * https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization.
 */
const CARRIED: readonly Carried[] = [
  {
    verbs: ['impersonate'],
    on: [
      ['', 'users'],
      ['', 'groups'],
      ['', 'serviceaccounts'],
      ['authentication.k8s.io', 'uids'],
      ['authentication.k8s.io', USER_EXTRAS],
    ],
    by: [EVERYTHING],
  },
  {
    verbs: ['bind'],
    on: [
      [RBAC, 'roles'],
      [RBAC, 'clusterroles'],
    ],
    by: resources(RBAC, ['rolebindings', 'clusterrolebindings'], WRITES),
  },
  {
    verbs: ['escalate'],
    on: [
      [RBAC, 'roles'],
      [RBAC, 'clusterroles'],
    ],
    by: resources(RBAC, ['roles', 'clusterroles'], WRITES),
  },
  {
    verbs: ['approve'],
    on: [[CERTIFICATES, 'signers']],
    by: resources(CERTIFICATES, ['certificatesigningrequests/approval'], ['update', 'patch']),
  },
  {
    verbs: ['sign'],
    on: [[CERTIFICATES, 'signers']],
    by: resources(CERTIFICATES, ['certificatesigningrequests/status'], ['update', 'patch']),
  },
  {
    verbs: ['attest'],
    on: [[CERTIFICATES, 'signers']],
    by: resources(CERTIFICATES, ['clustertrustbundles'], [...WRITES, 'delete']),
  },
  {
    verbs: ['use'],
    on: [
      ['policy', 'podsecuritypolicies'],
      ['security.openshift.io', 'securitycontextconstraints'],
    ],
    by: [EVERYTHING],
  },
];

/** From Kubernetes 1.35 on a WebSocket needs `create` on these, and is logged as the `get` that it begins with. */
const UPGRADED: Box = {
  ...EVERYTHING,
  kind: 'resource',
  apiGroup: [''],
  resource: ['pods'],
  subresource: ['exec', 'attach', 'portforward'],
};

const CLUSTER_SCOPED: ReadonlySet<string> = new Set(
  [...BUILT_IN_RESOURCES, ...ASKED_RESOURCES]
    .filter(({ isNamespaced }) => !isNamespaced)
    .map(({ apiGroup, resource }) => `${apiGroup}\0${resource}`),
);

/**
 * The requests that may use a permission: what carries its verb, what needs it besides (an upsert by PATCH or PUT
 * needs `create`, a WebSocket may), and for verbs that no request has whatever makes the API server ask for them; for
 * those that nobody knows, any request.
 *
 * @param places - the namespaces of the requests, `''` for those without one; `undefined`: wherever the cell grants
 */
export function requestsOf(cell: Cell, places: readonly string[] | undefined): readonly Box[] {
  const { verb, apiGroup, resource, path } = cell;
  if (resource === '') {
    const paths = path === '*' ? undefined : [path];
    return [{ ...EVERYTHING, kind: 'url', verb: verb === '*' ? undefined : [verb], path: paths }];
  }
  if (verb !== '*' && isSpecialVerb(cell)) {
    return CARRIED.find(({ verbs, on }) => verbs.includes(verb) && isOn(cell, on))?.by ?? [EVERYTHING];
  }
  const target: Box = {
    ...EVERYTHING,
    ...resourceCondition(resource),
    kind: 'resource',
    apiGroup: apiGroup === '*' ? undefined : [apiGroup],
    namespace: places ?? placesOf(cell),
    name: cell.name === '' ? undefined : [cell.name],
  };
  if (verb === '*') return [target, ...CARRIED.flatMap(({ on, by }) => (isOn(cell, on) ? by : []))];
  if (verb !== 'create') return [{ ...target, verb: [verb] }];
  const upgraded = intersect({ ...target, verb: ['get'] }, UPGRADED);
  return [{ ...target, verb: WRITES }, ...(upgraded === undefined ? [] : [upgraded])];
}

/** Whether a cell is about one of these resources. */
function isOn({ apiGroup, resource }: Cell, on: Carried['on']): boolean {
  const [listed = ''] = resource.split('/');
  // The key of an extra is its subresource, so that a wildcard for subresources is about these as well.
  const isAbout = (name: string): boolean =>
    resource === '*' || listed === name || (listed === '*' && name === USER_EXTRAS);
  return on.some(([group, name]) => (apiGroup === '*' || apiGroup === group) && isAbout(name));
}

function placesOf({ apiGroup, resource, namespace }: Cell): readonly string[] | undefined {
  if (namespace !== '') return [namespace];
  return CLUSTER_SCOPED.has(`${apiGroup}\0${resource}`) ? [''] : undefined;
}
