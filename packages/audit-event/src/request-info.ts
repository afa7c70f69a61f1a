import { nameFromFieldSelector } from './field-selector.ts';
import type { AuditEvent, ObjectRef } from './types.ts';
import { percentDecode, queryValue, withoutNul } from './uri.ts';

/**
 * What the API server's request-info resolver makes of a request, as far as authorizers see it.
 * The version is left out: RBAC knows none.
 */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  readonly verb: string;
  readonly apiGroup: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** The decoded URL path of a non-resource request, `''` for a resource request. */
  readonly path: string;
}

const SLASH = 0x2f;
/** `apis`, group, version, `watch`, `namespaces`, namespace, resource, name, subresource: more is never looked at. */
const MAX_PARTS = 9;
/** A short piece of a long URI would keep the whole of it in memory for as long as the piece lives. */
const DETACH_ABOVE = 512;

/**
 * Resolves a request URI as the API server does before it asks its authorizers: `/api` and `/apis` prefixes, legacy
 * `/watch/` and `/proxy/` segments, namespaces with `status` and `finalize` of their own, decoding once, and the name
 * of a `metadata.name` field selector for list and watch.
 *
 * @param requestURI - path and query as logged, percent-encoded
 * @param verb - the verb of the audit event, since the method is not logged; `get` and `delete` without a name
 *   become `list`, `watch` or `deletecollection`
 * @returns `undefined` where the API server would have refused the URI: not beginning with a slash, a malformed
 *   escape, or a legacy verb without a resource. A resource request may have an empty `resource` (`/api/v1//x`).
 * @see k8s.io/apiserver pkg/endpoints/request/requestinfo.go
 */
export function parseRequestURI(requestURI: string, verb: string): RequestInfo | undefined {
  if (requestURI.charCodeAt(0) !== SLASH) return undefined;
  const query = requestURI.indexOf('?');
  const path = percentDecode(query < 0 ? requestURI : requestURI.slice(0, query));
  if (path === undefined) return undefined;
  const parts = splitPath(path);
  const start = afterVersion(parts);
  if (start < 0) {
    return nonResourceRequest(keeperFor(requestURI)(path), verb);
  }
  return resourceRequest(parts, start, requestURI, verb);
}

function splitPath(path: string): string[] {
  let start = 0;
  let end = path.length;
  while (path.charCodeAt(start) === SLASH) start += 1;
  while (end > start && path.charCodeAt(end - 1) === SLASH) end -= 1;
  return path.slice(start, end).split('/', MAX_PARTS);
}

/** Index of the part after the API version, -1 for what is no resource request. */
function afterVersion(parts: readonly string[]): number {
  if (parts[0] === 'api') return parts.length >= 3 ? 2 : -1;
  if (parts[0] === 'apis') return parts.length >= 4 ? 3 : -1;
  return -1;
}

function nonResourceRequest(path: string, verb: string): RequestInfo {
  return {
    isResourceRequest: false,
    verb: withoutNul(verb.toLowerCase()),
    apiGroup: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    path,
  };
}

function resourceRequest(
  parts: readonly string[],
  version: number,
  requestURI: string,
  verb: string,
): RequestInfo | undefined {
  const first = parts[version];
  const legacyVerb = first === 'watch' || first === 'proxy' ? first : undefined;
  const root = legacyVerb === undefined ? version : version + 1;
  if (root >= parts.length) return undefined;

  const start = isInNamespace(parts, root) ? root + 2 : root;
  const pathName = part(parts, start + 1);
  const isCollection = pathName === '' && legacyVerb === undefined;
  const resolvedVerb = isCollection ? collectionVerb(requestURI, verb) : (legacyVerb ?? verb);
  const keep = keeperFor(requestURI);
  return {
    isResourceRequest: true,
    verb: withoutNul(resolvedVerb),
    apiGroup: version === 3 ? keep(part(parts, 1)) : '',
    namespace: keep(namespaceOf(parts, root)),
    resource: keep(part(parts, start)),
    subresource: legacyVerb === 'proxy' ? '' : keep(part(parts, start + 2)),
    name: keep(isCollection ? selectedName(requestURI, resolvedVerb) : pathName),
    path: '',
  };
}

function selectedName(requestURI: string, verb: string): string {
  return verb === 'list' || verb === 'watch' ? nameFromFieldSelector(requestURI) : '';
}

function part(parts: readonly string[], index: number): string {
  return parts[index] ?? '';
}

function namespaceOf(parts: readonly string[], root: number): string {
  return parts[root] === 'namespaces' ? part(parts, root + 1) : '';
}

/** `status` and `finalize` are subresources of the namespace; anything else is a resource within it. */
function isInNamespace(parts: readonly string[], root: number): boolean {
  const third = parts[root + 2];
  return parts[root] === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize';
}

/** Audit events carry the resolved verb already; `get` and `delete` are resolved for callers that know the method only. */
function collectionVerb(requestURI: string, verb: string): string {
  if (verb === 'delete') return 'deletecollection';
  if (verb !== 'get') return verb;
  const watch = queryValue(requestURI, 'watch')?.toLowerCase();
  return watch === undefined || watch === '0' || watch === 'false' ? 'list' : 'watch';
}

/** How to keep a piece of a URI: without NUL, and without the rest of a long URI. */
function keeperFor(requestURI: string): (piece: string) => string {
  return requestURI.length > DETACH_ABOVE ? detached : withoutNul;
}

/** A copy that shares no memory with a longer string: slicing a concatenation makes the engine write it out first. */
function detached(text: string): string {
  return withoutNul(` ${text}`.slice(1));
}

/**
 * What the authorizer was asked about an event: from its request URI, else from its objectRef. The objectRef is
 * used where the URI is absent, malformed, cut short (by a shipper's limit) or of a prefix that only some servers
 * resolve (OpenShift's `/oapi`); the body may have filled its name and namespace after authorization, so they are
 * left out where the authorizer saw none.
 *
 * @returns `undefined` where neither tells
 */
export function requestInfoOf(event: AuditEvent): RequestInfo | undefined {
  const fromURI = event.requestURI === '' ? undefined : parseRequestURI(event.requestURI, event.verb);
  const ref = event.objectRef;
  if (ref === undefined || ref.resource === '') return fromURI;
  if (fromURI === undefined || !fromURI.isResourceRequest) return fromObjectRef(ref, event.verb);
  if (isCutShort(fromURI, ref) || hasDroppedOptions(fromURI, event)) return fromObjectRef(ref, event.verb);
  return fromURI;
}

function fromObjectRef(ref: ObjectRef, verb: string): RequestInfo {
  const name = seenName(ref, verb);
  const isNamespace = ref.resource === 'namespaces' && ref.apiGroup === '';
  const isListing = verb === 'list' || verb === 'watch';
  return {
    isResourceRequest: true,
    verb: withoutNul(verb),
    apiGroup: withoutNul(ref.apiGroup),
    // The resolver puts an item request on a namespace into that namespace, and into none a request on all of them.
    namespace: withoutNul(isNamespace ? (isListing ? '' : name) : ref.namespace),
    resource: withoutNul(ref.resource),
    subresource: withoutNul(ref.subresource),
    name: withoutNul(name),
    path: '',
  };
}

/** The objectRef's name, `''` where it came from the body or where the authorizer saw none. */
function seenName(ref: ObjectRef, verb: string): string {
  const isTopLevelCreate = verb === 'create' && ref.subresource === '';
  return isTopLevelCreate || verb === 'deletecollection' ? '' : ref.name;
}

/**
 * The API server fills both from one source, so that a resource that differs, or a value that the objectRef goes on
 * with, means that the URI lost its end or its query.
 */
function isCutShort(fromURI: RequestInfo, ref: ObjectRef): boolean {
  return (
    fromURI.resource !== ref.resource ||
    goesOn(ref.subresource, fromURI.subresource) ||
    goesOn(seenName(ref, fromURI.verb), fromURI.name)
  );
}

function goesOn(whole: string, part: string): boolean {
  return whole.length > part.length && whole.startsWith(part);
}

/** List options that do not decode are answered 400, after they were authorized without the selector's name. */
function hasDroppedOptions(fromURI: RequestInfo, event: AuditEvent): boolean {
  return event.code === 400 && fromURI.name !== '' && event.objectRef?.name === '';
}

/** Whether a request asked to change nothing, by its query; the body of a delete may ask so too, unseen. */
export function isDryRun(requestURI: string): boolean {
  return queryValue(requestURI, 'dryRun') !== undefined;
}
