import type { AuditEvent, Permission } from '@leastwise/audit-event';

/** A request, described by what its sender wants; all names as they are, unescaped. */
export interface RequestTarget {
  readonly verb: string;
  readonly apiGroup: string;
  readonly version: string;
  /** `''` for a non-resource request. */
  readonly resource: string;
  readonly subresource: string;
  /** Of a request on one namespace: that namespace. */
  readonly namespace: string;
  /** Of the object; of a list or watch, the `metadata.name` that its field selector asks for. */
  readonly name: string;
  /** The name in the body of a create, which the audit event shows and the authorizer never sees. */
  readonly bodyName: string;
  /** Of a non-resource request; of a proxy request, what follows `proxy`. */
  readonly path: string;
  /** Further parameters, already encoded: `dryRun=All`. */
  readonly query: string;
}

/** A target with defaults: an allowed form of what is given, of the core group. */
export function requestTarget(fields: Partial<RequestTarget>): RequestTarget {
  const empty = { subresource: '', namespace: '', name: '', bodyName: '', path: '', query: '' };
  return { verb: 'get', apiGroup: '', version: 'v1', resource: '', ...empty, ...fields };
}

/** Verb, request URI and objectRef of the audit event for a request, as one API server would log them together. */
export function requestTo(target: RequestTarget): Pick<AuditEvent, 'verb' | 'requestURI' | 'objectRef'> {
  const query = queryOf(target);
  const requestURI = query === '' ? pathOf(target) : `${pathOf(target)}?${query}`;
  if (target.resource === '') return { verb: target.verb, requestURI, objectRef: undefined };
  const { apiGroup, resource, subresource, namespace } = target;
  const name = isTopLevelCreate(target) ? target.bodyName : target.name;
  return { verb: target.verb, requestURI, objectRef: { apiGroup, resource, subresource, namespace, name } };
}

/** What the authorizer is asked about a request, NUL replaced as attribution does. */
export function permissionFor(target: RequestTarget): Permission {
  const { verb, apiGroup, resource, subresource, namespace, name } = target;
  if (resource === '') {
    return { verb, apiGroup: '', resource: '', namespace: '', name: '', path: withoutNul(target.path) };
  }
  return {
    verb,
    apiGroup,
    resource: subresource === '' ? resource : `${resource}/${subresource}`,
    namespace: withoutNul(namespace),
    name: isTopLevelCreate(target) ? '' : withoutNul(name),
    path: '',
  };
}

/** NUL is the one character that a permission never has. */
export function withoutNul(text: string): string {
  return text.replaceAll('\0', '\u{FFFD}');
}

function isTopLevelCreate(target: RequestTarget): boolean {
  return target.verb === 'create' && target.subresource === '';
}

/** Escapes a path segment as Go's URL does: `:`, `@`, `$`, `&`, `+` and `=` stay. */
function escapeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll(/%(?:3A|40|24|26|2B|3D)/g, decodeURIComponent);
}

function pathOf(target: RequestTarget): string {
  if (target.resource === '') return target.path.split('/').map(escapeSegment).join('/');
  const segments = target.apiGroup === '' ? ['api'] : ['apis', target.apiGroup];
  segments.push(target.version);
  const isNamespaceItself = target.resource === 'namespaces' && target.apiGroup === '';
  if (target.namespace !== '' && !isNamespaceItself) segments.push('namespaces', target.namespace);
  segments.push(target.resource);
  if (hasNameInPath(target)) segments.push(target.name);
  if (target.subresource !== '') segments.push(target.subresource);
  return `/${segments.map(escapeSegment).join('/')}${target.subresource === 'proxy' ? target.path : ''}`;
}

function hasNameInPath(target: RequestTarget): boolean {
  return target.name !== '' && !isTopLevelCreate(target) && !isListing(target);
}

function isListing(target: RequestTarget): boolean {
  return target.verb === 'list' || target.verb === 'watch';
}

function queryOf(target: RequestTarget): string {
  const parts: string[] = [];
  if (target.verb === 'watch') parts.push('allowWatchBookmarks=true');
  if (isListing(target) && target.name !== '') {
    const value = target.name.replaceAll(/[\\,=]/g, '\\$&');
    parts.push(`fieldSelector=${encodeURIComponent(`metadata.name=${value}`)}`);
  }
  if (target.verb === 'list') parts.push('limit=500');
  if (target.query !== '') parts.push(target.query);
  if (target.verb === 'watch') parts.push('resourceVersion=4711', 'timeoutSeconds=576', 'watch=true');
  return parts.join('&');
}
