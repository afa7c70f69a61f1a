import type { ObjectRef } from '../../types.ts';

/** What a GKE entry's method and resource names say that was asked. */
export interface GkeMethod {
  readonly verb: string;
  readonly requestURI: string;
  /** `undefined` for non-resource requests. */
  readonly ref: ObjectRef | undefined;
}

interface Path {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly name: string;
}

const VERSION = /^v\d+(?:(?:alpha|beta)\d+)?$/;

/** The verbs of non-resource requests. */
const HTTP_METHODS: ReadonlySet<string> = new Set([
  'get',
  'head',
  'post',
  'put',
  'patch',
  'delete',
  'options',
]);

/** The API groups without a domain; all others of Kubernetes' own end in `.k8s.io`. */
const SHORT_GROUPS: ReadonlySet<string> = new Set(['apps', 'autoscaling', 'batch', 'extensions', 'policy']);

/**
 * `io.k8s.core.v1.pods.exec.create` with `core/v1/namespaces/x/pods/y/exec`: the group's domain
 * reversed, version, resource, perhaps a subresource, verb. Custom resources follow the same rule
 * (`com.coreos.etcd.database.v1beta2.etcdbackups.create`). `io.k8s.get` is a non-resource request with its
 * path in the resource name. The resource name writes the group as it is, so it wins.
 * `undefined` where the names are none of these, or do not fit each other.
 */
export function parseMethod(methodName: string, resourceName: string): GkeMethod | undefined {
  const parts = methodName.split('.');
  const verb = parts.pop() ?? '';
  if (verb === '') return undefined;
  if (parts.length === 2 && methodName.startsWith('io.k8s.') && HTTP_METHODS.has(verb)) {
    const path = resourceName.startsWith('/') ? resourceName : `/${resourceName}`;
    return { verb, requestURI: path, ref: undefined };
  }
  const version = parts.findIndex((part) => VERSION.test(part));
  const [resource, subresource = '', ...rest] = parts.slice(version + 1);
  if (version < 1 || !resource || rest.length > 0) return undefined;
  const unnamed = {
    group: groupOf(parts.slice(0, version)),
    version: parts[version] ?? '',
    namespace: '',
    name: '',
  };
  const path = resourceName === '' ? unnamed : parsePath(resourceName, resource);
  if (!path) return undefined;
  const ref = { apiGroup: path.group, resource, subresource, namespace: path.namespace, name: path.name };
  return { verb, requestURI: uriOf(path.version, ref, verb), ref };
}

/** `GROUP/VERSION[/namespaces/NS]/RESOURCE[/NAME[/…]]`; `undefined` where it is of another shape. */
function parsePath(resourceName: string, resource: string): Path | undefined {
  const [first = '', version = '', ...rest] = resourceName.split('/');
  if (first === '' || !VERSION.test(version)) return undefined;
  const group = first === 'core' ? '' : first;
  if (resource === 'namespaces' && rest[0] === 'namespaces') {
    const name = rest[1] ?? '';
    return { group, version, namespace: name, name };
  }
  if (rest[0] === 'namespaces' && rest[2] === resource) {
    return { group, version, namespace: rest[1] ?? '', name: rest[3] ?? '' };
  }
  return rest[0] === resource ? { group, version, namespace: '', name: rest[1] ?? '' } : undefined;
}

function groupOf(domain: readonly string[]): string {
  const reversed = domain.toReversed();
  const isKubernetes = domain[0] === 'io' && domain[1] === 'k8s';
  const [short = ''] = reversed;
  if (isKubernetes && reversed.length === 3) {
    if (short === 'core') return '';
    if (SHORT_GROUPS.has(short)) return short;
  }
  return reversed.join('.');
}

/**
 * The request that has these attributes. Creating at the top level names nothing in the URI,
 * whatever name the entry shows, and a named collection request has a field selector.
 */
function uriOf(version: string, ref: ObjectRef, verb: string): string {
  const root = ref.apiGroup === '' ? ['api', version] : ['apis', ref.apiGroup, version];
  const namespaced = ref.namespace !== '' && ref.resource !== 'namespaces';
  const segments = [...root, ...(namespaced ? ['namespaces', ref.namespace] : []), ref.resource];
  const onCollection = verb === 'list' || verb === 'watch' || verb === 'deletecollection';
  if (ref.name !== '' && !onCollection && (verb !== 'create' || ref.subresource !== ''))
    segments.push(ref.name);
  if (ref.subresource !== '') segments.push(ref.subresource);
  const path = `/${segments.map(encodeSegment).join('/')}`;
  const parameters = [
    ...(verb === 'watch' ? ['watch=true'] : []),
    ...(onCollection && ref.name !== '' ? [`fieldSelector=metadata.name%3D${encodeSegment(ref.name)}`] : []),
  ];
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}

/** Percent-encoding keeps the colons of RBAC's names readable; lone surrogates have none and become U+FFFD. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(Buffer.from(segment, 'utf8').toString('utf8')).replaceAll('%3A', ':');
}
