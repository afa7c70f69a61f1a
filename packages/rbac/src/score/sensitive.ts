import type { ResourceBox } from '../diff/box.ts';
import type { PolicyRule } from '../types.ts';
import type { UniverseResource } from './universe.ts';

/** What makes an unused permission worse than another. */
export type SensitiveKind =
  | 'bind'
  | 'certificates'
  | 'escalate'
  | 'exec'
  | 'impersonate'
  | 'nodes-proxy'
  | 'rbac-writes'
  | 'secrets'
  | 'tokens'
  | 'webhooks'
  | 'wildcard';

/** Sensitive permissions that are granted and, at least in part, not used. */
export interface SensitiveExcess {
  readonly kind: SensitiveKind;
  /** One resource with its verbs in question; of a wildcard the rule itself, its lists sorted. */
  readonly rule: PolicyRule;
}

interface Sensitive {
  readonly kind: SensitiveKind;
  readonly apiGroup: string;
  readonly resources: readonly string[];
  /** `undefined`: all. */
  readonly verbs?: readonly string[];
}

const WRITES = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const RBAC = 'rbac.authorization.k8s.io';

/*
 * Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/ (Kubernetes RBAC, privilege escalation
 * risks), and for whom else one may become https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation.
 */
const SENSITIVE: readonly Sensitive[] = [
  { kind: 'secrets', apiGroup: '', resources: ['secrets'] },
  {
    kind: 'exec',
    apiGroup: '',
    resources: ['pods/attach', 'pods/ephemeralcontainers', 'pods/exec', 'pods/portforward'],
  },
  { kind: 'nodes-proxy', apiGroup: '', resources: ['nodes/proxy'] },
  { kind: 'tokens', apiGroup: '', resources: ['serviceaccounts/token'] },
  { kind: 'escalate', apiGroup: RBAC, resources: ['clusterroles', 'roles'], verbs: ['escalate'] },
  { kind: 'bind', apiGroup: RBAC, resources: ['clusterroles', 'roles'], verbs: ['bind'] },
  {
    kind: 'rbac-writes',
    apiGroup: RBAC,
    resources: ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'],
    verbs: WRITES,
  },
  {
    kind: 'impersonate',
    apiGroup: '',
    resources: ['groups', 'serviceaccounts', 'users'],
    verbs: ['impersonate'],
  },
  {
    kind: 'impersonate',
    apiGroup: 'authentication.k8s.io',
    resources: ['uids', 'userextras'],
    verbs: ['impersonate'],
  },
  {
    kind: 'webhooks',
    apiGroup: 'admissionregistration.k8s.io',
    resources: [
      'mutatingadmissionpolicies',
      'mutatingadmissionpolicybindings',
      'mutatingwebhookconfigurations',
      'validatingwebhookconfigurations',
    ],
    verbs: WRITES,
  },
  {
    kind: 'certificates',
    apiGroup: 'certificates.k8s.io',
    resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
    verbs: ['patch', 'update'],
  },
  {
    kind: 'certificates',
    apiGroup: 'certificates.k8s.io',
    resources: ['signers'],
    verbs: ['approve', 'sign'],
  },
];

function byPair(): Map<string, Sensitive[]> {
  const found = new Map<string, Sensitive[]>();
  for (const each of SENSITIVE) {
    for (const resource of each.resources) {
      const key = `${each.apiGroup}\0${resource}`;
      found.set(key, [...(found.get(key) ?? []), each]);
    }
  }
  return found;
}

const BY_PAIR = byPair();

/** Why a permission is sensitive; `undefined` where it is not. */
export function sensitiveKind(apiGroup: string, resource: string, verb: string): SensitiveKind | undefined {
  // `userextras/scopes` and the like: the key is the subresource.
  const listed = resource.startsWith('userextras/') ? 'userextras' : resource;
  return BY_PAIR.get(`${apiGroup}\0${listed}`)?.find(({ verbs }) => verbs?.includes(verb) ?? true)?.kind;
}

/** What is sensitive in a rule that is too much to take apart. */
export function sensitiveIn({ groups, resources, verbs }: ResourceBox): SensitiveExcess[] {
  const has = (values: ReadonlySet<string>, value: string): boolean => values.has('*') || values.has(value);
  return SENSITIVE.flatMap((each) => {
    if (!has(groups, each.apiGroup)) return [];
    const concerned = each.verbs?.filter((verb) => has(verbs, verb)) ?? [...verbs].sort();
    if (concerned.length === 0) return [];
    return each.resources
      .filter((resource) => has(resources, resource))
      .map((resource) => ({
        kind: each.kind,
        rule: { apiGroups: [each.apiGroup], resources: [resource], verbs: concerned },
      }));
  });
}

interface SensitiveVerbs {
  readonly kind: SensitiveKind;
  readonly resource: Pick<UniverseResource, 'apiGroup' | 'resource'>;
  readonly verbs: string[];
}

/** What is sensitive among some cells, by kind and resource. */
export class SensitiveCells {
  readonly #found = new Map<string, SensitiveVerbs>();

  /** Takes note of one verb of a resource, once. */
  note(resource: SensitiveVerbs['resource'], verb: string): void {
    const kind = sensitiveKind(resource.apiGroup, resource.resource, verb);
    if (kind === undefined) return;
    const key = `${kind}\0${resource.apiGroup}\0${resource.resource}`;
    const known = this.#found.get(key);
    if (known) known.verbs.push(verb);
    else this.#found.set(key, { kind, resource, verbs: [verb] });
  }

  /** All of it, in no order. */
  list(): SensitiveExcess[] {
    return [...this.#found.values()].map(({ kind, resource, verbs }) => ({
      kind,
      rule: { apiGroups: [resource.apiGroup], resources: [resource.resource], verbs: verbs.sort() },
    }));
  }
}

/** By kind, then content; each once. */
export function inOrder(excess: readonly SensitiveExcess[]): SensitiveExcess[] {
  const byContent = new Map(excess.map((each) => [`${each.kind}\0${JSON.stringify(each.rule)}`, each]));
  return [...byContent].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}
