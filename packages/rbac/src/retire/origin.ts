import type { RbacObject } from '../types.ts';

/**
 * What keeps an object in a cluster as it is, and would bring it back: the place where it has to be changed. Names are
 * as the object's labels and annotations have them, which anybody may have written who may write the object: bounded
 * by the API server, to be escaped where they are shown. `''` where the object does not say.
 */
export type Origin =
  | {
      readonly tool: 'flux-kustomization' | 'flux-helm-release';
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly tool: 'argo-cd'; readonly application: string }
  | { readonly tool: 'olm'; readonly kind: string; readonly namespace: string; readonly name: string }
  | { readonly tool: 'helm'; readonly namespace: string; readonly name: string }
  | { readonly tool: 'kubectl'; readonly manager: string }
  /** A field manager that is none of the others, such as `terraform-provider-kubernetes`. */
  | { readonly tool: 'other'; readonly manager: string };

/** What an object's type does not hold, by `objectKey`. */
export interface OriginHint {
  /** The names of `metadata.managedFields`, in any order. */
  readonly managers: readonly string[];
}

type Texts = Readonly<Record<string, string>>;

function get(texts: Texts | undefined, key: string): string | undefined {
  return texts !== undefined && Object.hasOwn(texts, key) ? texts[key] : undefined;
}

/** @see https://fluxcd.io/flux/components/kustomize/kustomizations/ and helm-controller's origin labels */
function fluxOrigins(labels: Texts | undefined): Origin[] {
  const tools = [
    ['kustomize.toolkit.fluxcd.io', 'flux-kustomization'],
    ['helm.toolkit.fluxcd.io', 'flux-helm-release'],
  ] as const;
  return tools.flatMap(([prefix, tool]) => {
    const name = get(labels, `${prefix}/name`);
    return name === undefined ? [] : [{ tool, namespace: get(labels, `${prefix}/namespace`) ?? '', name }];
  });
}

/**
 * The application of a tracking-id, `<application>:<group>/<kind>:<namespace>/<name>`. One that names another object
 * was copied along with its annotations, and says nothing of this one.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
 */
function trackedBy(trackingID: string, { kind, metadata }: RbacObject): string | undefined {
  // Names of RBAC objects may hold colons, the parts before them not.
  const [application = '', groupKind = '', ...rest] = trackingID.split(':');
  const place = rest.join(':');
  const slash = place.indexOf('/');
  // For an object of the cluster, Argo CD writes the namespace that the application is for.
  const isHere = metadata.namespace === undefined || metadata.namespace === place.slice(0, slash);
  const isOwn = isHere && groupKind.endsWith(`/${kind}`) && place.slice(slash + 1) === metadata.name;
  return isOwn && application !== '' ? application : undefined;
}

function argoOrigins(object: RbacObject): Origin[] {
  const { annotations, labels } = object.metadata;
  const trackingID = get(annotations, 'argocd.argoproj.io/tracking-id');
  const tracked = trackingID === undefined ? undefined : trackedBy(trackingID, object);
  const application = tracked ?? get(labels, 'argocd.argoproj.io/instance');
  return application === undefined ? [] : [{ tool: 'argo-cd', application }];
}

/** @see https://olm.operatorframework.io/docs/ : `olm.owner` names the ClusterServiceVersion, or the OperatorGroup */
function olmOrigins(labels: Texts | undefined): Origin[] {
  const name = get(labels, 'olm.owner');
  if (name === undefined) return [];
  const kind = get(labels, 'olm.owner.kind') ?? '';
  return [{ tool: 'olm', kind, namespace: get(labels, 'olm.owner.namespace') ?? '', name }];
}

/** @see https://helm.sh/docs/chart_best_practices/labels/ : the release is in annotations; rendered charts have the label only */
function helmOrigins({ metadata: { labels, annotations } }: RbacObject): Origin[] {
  const name = get(annotations, 'meta.helm.sh/release-name');
  if (name === undefined && get(labels, 'app.kubernetes.io/managed-by') !== 'Helm') return [];
  return [
    { tool: 'helm', namespace: get(annotations, 'meta.helm.sh/release-namespace') ?? '', name: name ?? '' },
  ];
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function isKubectl(manager: string): boolean {
  return manager === 'kubectl' || manager.startsWith('kubectl-');
}

function managerOrigins({ metadata: { annotations } }: RbacObject, hint: OriginHint | undefined): Origin[] {
  const managers = [...new Set(hint?.managers)].sort();
  const kubectl = managers.filter(isKubectl);
  const isApplied = kubectl.length === 0 && get(annotations, LAST_APPLIED) !== undefined;
  return [
    ...(isApplied ? [''] : kubectl).map((manager): Origin => ({ tool: 'kubectl', manager })),
    ...managers.filter((each) => !isKubectl(each)).map((manager): Origin => ({ tool: 'other', manager })),
  ];
}

/**
 * Where an object comes from, the one to change first: a tool that would bring it back stands before one that wrote it
 * once. Several where they work through each other, such as Argo CD with a chart. Empty where nothing is known.
 */
export function originsOf(object: RbacObject, hint?: OriginHint): Origin[] {
  const { labels } = object.metadata;
  const tools = [
    ...fluxOrigins(labels),
    ...argoOrigins(object),
    ...olmOrigins(labels),
    ...helmOrigins(object),
  ];
  // A tool's own field manager says no more than its labels.
  const managers = managerOrigins(object, hint);
  return [...tools, ...(tools.length === 0 ? managers : managers.filter(({ tool }) => tool === 'kubectl'))];
}

/** Whether an object is one of those that the API server brings back by itself. */
export function isBootstrap({ metadata }: RbacObject): boolean {
  return get(metadata.labels, 'kubernetes.io/bootstrapping') === 'rbac-defaults';
}
