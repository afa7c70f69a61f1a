import type { AuditedObject, AuditedServiceAccount } from '@leastwise/findings';
import {
  type KubeError,
  type KubeObject,
  RBAC_PATHS,
  type RbacKind,
  toRbacObject,
  toServiceAccount,
  VIOLATIONS_PATH,
  VIOLATIONS_QUERY,
  type WatchableCluster,
  WatchedObjects,
  type WatchOptions,
} from '@leastwise/kube';

/** What an auditor watches. */
export const WATCHED = [
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ServiceAccount',
  'Namespace',
  'RBACViolation',
  'ConfigMap',
] as const;

/** One of {@link WATCHED}. */
export type Watched = (typeof WATCHED)[number];

const RBAC_KINDS = Object.keys(RBAC_PATHS) as readonly RbacKind[];

/** Where the violation policy of a cluster stands. */
export interface PolicyPlace {
  readonly namespace: string;
  readonly name: string;
}

/** What a view tells. */
export interface ViewListener {
  /** Something changed that an audit looks at. */
  onChange(what: Watched): void;
  onError(what: Watched, error: KubeError): void;
}

/** Everything of one cluster that an audit looks at, kept current. */
export class ClusterView {
  readonly #watched: ReadonlyMap<Watched, WatchedObjects>;
  /** How often each was read whole. */
  readonly #lists = new Map<Watched, number>();
  /** RBAC objects as they were read, by what the API server gave: most stay as they are from audit to audit. */
  readonly #read = new WeakMap<KubeObject, AuditedObject>();

  constructor(
    cluster: WatchableCluster,
    policy: PolicyPlace,
    listener: ViewListener,
    options: WatchOptions = {},
  ) {
    const requests: Record<Watched, { path: string; query?: Readonly<Record<string, string>> }> = {
      Role: { path: RBAC_PATHS.Role },
      ClusterRole: { path: RBAC_PATHS.ClusterRole },
      RoleBinding: { path: RBAC_PATHS.RoleBinding },
      ClusterRoleBinding: { path: RBAC_PATHS.ClusterRoleBinding },
      ServiceAccount: { path: '/api/v1/serviceaccounts' },
      Namespace: { path: '/api/v1/namespaces' },
      RBACViolation: { path: VIOLATIONS_PATH, query: VIOLATIONS_QUERY },
      ConfigMap: {
        path: `/api/v1/namespaces/${encodeURIComponent(policy.namespace)}/configmaps`,
        query: { fieldSelector: `metadata.name=${policy.name}` },
      },
    };
    this.#watched = new Map(
      WATCHED.map((what) => {
        const told = {
          onChanges: (): void => {
            listener.onChange(what);
          },
          onListed: (): void => {
            this.#lists.set(what, (this.#lists.get(what) ?? 0) + 1);
            listener.onChange(what);
          },
          onError: (error: KubeError): void => {
            listener.onError(what, error);
          },
        };
        return [what, new WatchedObjects(cluster, requests[what], told, options)];
      }),
    );
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#watched.values()].map((each) => each.run(signal)));
  }

  /** Lets everything be read anew. @returns whether that has happened, asked as often as wanted */
  refresh(): () => boolean {
    const before = new Map(this.#lists);
    for (const each of this.#watched.values()) each.refresh();
    return () => WATCHED.every((what) => (this.#lists.get(what) ?? 0) > (before.get(what) ?? 0));
  }

  /** Whether everything was read whole: an audit of a part would take the rest for gone. */
  get isComplete(): boolean {
    return [...this.#watched.values()].every((each) => each.isListed);
  }

  /** What has not been read yet. */
  get missing(): readonly Watched[] {
    return WATCHED.filter((what) => !this.#of(what).isListed);
  }

  #of(what: Watched): WatchedObjects {
    const watched = this.#watched.get(what);
    if (!watched) throw new Error(`not watched: ${what}`);
    return watched;
  }

  /** The RBAC that exists. */
  objects(): AuditedObject[] {
    return RBAC_KINDS.flatMap((kind) =>
      [...this.#of(kind).objects.values()].map((each) => this.#audited(kind, each)),
    );
  }

  #audited(kind: RbacKind, object: KubeObject): AuditedObject {
    const known = this.#read.get(object);
    if (known) return known;
    const audited = { object: toRbacObject(kind, object.value), uid: object.uid };
    this.#read.set(object, audited);
    return audited;
  }

  /** An RBAC object as the API server gave it. */
  raw(kind: string, namespace: string, name: string): KubeObject | undefined {
    const known = RBAC_KINDS.find((each) => each === kind);
    return known === undefined ? undefined : this.#of(known).objects.get(`${namespace}/${name}`);
  }

  serviceAccounts(): AuditedServiceAccount[] {
    return [...this.#of('ServiceAccount').objects.values()].map(toServiceAccount);
  }

  namespaces(): string[] {
    return [...this.#of('Namespace').objects.values()].map(({ name }) => name);
  }

  /** The RBACViolations that stand, by their key. */
  violations(): ReadonlyMap<string, KubeObject> {
    return this.#of('RBACViolation').objects;
  }

  /** The ConfigMap with the policy; `undefined` where there is none. */
  policy(): KubeObject | undefined {
    const [only] = this.#of('ConfigMap').objects.values();
    return only;
  }
}
