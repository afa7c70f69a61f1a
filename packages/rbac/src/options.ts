import type { RbacObject } from './types.ts';

/** A Kubernetes version as far as rules differ by it. */
export interface KubernetesVersion {
  readonly major: number;
  readonly minor: number;
}

/** The newest version that the bundled tables know; the default. */
export const NEWEST_KUBERNETES: KubernetesVersion = { major: 1, minor: 37 };

/** How objects are named and marked. */
export interface NamingOptions {
  /**
   * Template of all objects' names, with `${user}`; the default gives `suggested-<subject>-role`
   * and its like.
   */
  readonly template: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The knobs between what was observed and what is granted. Everything but the exact preset's values may widen. */
export interface PolicyOptions {
  /** `NamespaceStrict`: what was done in a namespace is granted there. `ClusterScopeAllowed`: everywhere, in one ClusterRole. */
  readonly scopeMode: 'NamespaceStrict' | 'ClusterScopeAllowed';
  /** `Smart`: the verbs seen on one resource share their names. */
  readonly verbMerge: 'Exact' | 'Smart';
  /** `Safe`: all eight standard verbs seen on a resource become `*`, unless the resource has special verbs. */
  readonly wildcards: 'Forbidden' | 'Safe';
  /** Keep up to this many stable names of one verb and resource, all of them, or none. */
  readonly resourceNames: number | 'Explicit' | 'Omit';
  /** The same operation in several namespaces is granted in all (audit2rbac's `--expand-multi-namespace`). */
  readonly expandMultiNamespace: boolean;
  /** The same operation on several names is granted on all (audit2rbac's `--expand-multi-name`). */
  readonly expandMultiName: boolean;
  /** Verbs that an observed verb brings with it. */
  readonly verbExpansions: Readonly<Record<string, readonly string[]>>;
  /** Refused requests count as well, to iterate until it works. */
  readonly includeDenied: boolean;
  /** Permissions that another authorizer granted are rendered as well. */
  readonly includeOtherAuthorizers: boolean;
  /** What becomes of verbs beyond the eight standard ones. */
  readonly specialVerbs: 'Withhold' | 'Grant';
  /** Adds the group that replaced a removed one (`extensions/ingresses` → `networking.k8s.io/ingresses`). */
  readonly mapDeprecatedGroups: boolean;
  /** Namespaces whose rules are equal share one ClusterRole, bound in each. */
  readonly shareRoles: boolean;
  /** Globs: the namespaces that match one share one ClusterRole with all their rules, bound in each. */
  readonly namespaceGroups: readonly string[];
  /** Evidence counts for this many days up to `asOfDay`; `Infinity` for ever. */
  readonly retentionDays: number;
  /** Newest day (since the epoch) that counts; `undefined`: the newest day of the cluster's state. */
  readonly asOfDay: number | undefined;
  /** Namespaces not seen for so many days are not rendered; `Infinity` renders them all. */
  readonly namespaceIdleDays: number;
  /** Whether namespaces that the evidence saw deleted are left out. */
  readonly dropDeletedNamespaces: boolean;
  readonly kubernetesVersion: KubernetesVersion;
  /** RBAC that everybody has anyway, and RBAC that exists: neither is granted again. */
  readonly existing: readonly RbacObject[];
  /** Render only what was done in this namespace; `undefined`: everything. */
  readonly namespace: string | undefined;
  readonly naming: NamingOptions;
}

/** Leastwise's own defaults, but for `existing`, which depends on the Kubernetes version. */
export const DEFAULT_OPTIONS: PolicyOptions = {
  scopeMode: 'NamespaceStrict',
  verbMerge: 'Exact',
  wildcards: 'Forbidden',
  resourceNames: 10,
  expandMultiNamespace: false,
  expandMultiName: false,
  verbExpansions: {},
  includeDenied: false,
  includeOtherAuthorizers: false,
  specialVerbs: 'Withhold',
  mapDeprecatedGroups: false,
  shareRoles: false,
  namespaceGroups: [],
  retentionDays: 90,
  asOfDay: undefined,
  namespaceIdleDays: 30,
  dropDeletedNamespaces: true,
  kubernetesVersion: NEWEST_KUBERNETES,
  existing: [],
  namespace: undefined,
  naming: {
    template: undefined,
    labels: { 'app.kubernetes.io/managed-by': 'leastwise' },
    annotations: {},
  },
};

/** No widening at all: every granted cell was needed by a counted request. */
export const EXACT_PRESET: Partial<PolicyOptions> = { resourceNames: 'Explicit' };

/**
 * What users of audit2rbac expect: refused requests count, read and write verbs bring their likes,
 * several names or namespaces widen to all, and objects are named and labelled as there.
 */
export const AUDIT2RBAC_PRESET: Partial<PolicyOptions> = {
  resourceNames: 'Explicit',
  expandMultiNamespace: true,
  expandMultiName: true,
  verbExpansions: {
    watch: ['get', 'list'],
    list: ['get', 'watch'],
    update: ['get', 'patch'],
    patch: ['get', 'update'],
  },
  includeDenied: true,
  includeOtherAuthorizers: true,
  specialVerbs: 'Grant',
  retentionDays: Infinity,
  namespaceIdleDays: Infinity,
  dropDeletedNamespaces: false,
  naming: {
    template: 'audit2rbac:${user}',
    labels: {
      'audit2rbac.liggitt.net/generated': 'true',
      'audit2rbac.liggitt.net/user': '${user}',
    },
    annotations: { 'audit2rbac.liggitt.net/version': '${version}' },
  },
};

/** What users of Audicia expect: no names, verbs of a resource together, thirty days. */
export const AUDICIA_PRESET: Partial<PolicyOptions> = {
  resourceNames: 'Omit',
  verbMerge: 'Smart',
  retentionDays: 30,
};

/** The presets by name. */
export const PRESETS = {
  exact: EXACT_PRESET,
  audit2rbac: AUDIT2RBAC_PRESET,
  audicia: AUDICIA_PRESET,
} as const;

/** A preset's name. */
export type PresetName = keyof typeof PRESETS;
