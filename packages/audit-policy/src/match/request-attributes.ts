import { type AuditEvent, parseRequestURI, type RequestInfo } from '@leastwise/audit-event';

import type { RequestAttributes, Requester } from '../types.ts';

/** What the API server makes of a method for a resource request; other methods are the verb `''`. */
const VERBS: Readonly<Record<string, string>> = {
  post: 'create',
  get: 'get',
  head: 'get',
  put: 'update',
  patch: 'patch',
  delete: 'delete',
};
/** Verbs of resource requests, as people name them where they know no method. */
const RESOURCE_VERBS: readonly string[] = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'proxy',
];

/** A request as a person names it. */
export interface NamedRequest {
  /** `undefined` for one whose authentication fails. */
  readonly user: Requester | undefined;
  /** An HTTP method or a verb of resource requests, in any case. */
  readonly verb: string;
  /** Path and query, percent-encoded. */
  readonly url: string;
}

/** The attributes of a request by user, verb or method, and URL; `undefined` where no API server would take the URL. */
export function attributesOfNamed({ user, verb, url }: NamedRequest): RequestAttributes | undefined {
  const word = verb.toLowerCase();
  const asResource = VERBS[word] ?? (RESOURCE_VERBS.includes(word) ? word : '');
  const info = parseRequestURI(url, asResource);
  if (info === undefined) return undefined;
  return info.isResourceRequest
    ? attributesOfInfo(info, user)
    : { ...attributesOfInfo(info, user), verb: word };
}

/**
 * The attributes of a request that was logged, for rules of another policy: from its URI and, where that is absent or
 * none that the API server resolves, from its objectRef. The user is the authenticated one, for that is whom rules
 * see, and none where authentication failed. `undefined` where neither tells what was asked.
 */
export function attributesOfEvent(event: AuditEvent): RequestAttributes | undefined {
  const { username, groups } = event.user;
  // Failed authentication is logged without a user; everybody else has a name.
  const user = username === '' ? undefined : { username, groups };
  const info = parseRequestURI(event.requestURI, event.verb);
  const ref = event.objectRef;
  if (ref === undefined || ref.resource === '' || info?.isResourceRequest === true)
    return info && attributesOfInfo(info, user);
  const isTopLevelCreate = event.verb === 'create' && ref.subresource === '';
  return {
    user,
    verb: event.verb,
    isResourceRequest: true,
    apiGroup: ref.apiGroup,
    resource: ref.resource,
    subresource: ref.subresource,
    namespace: ref.resource === 'namespaces' && ref.apiGroup === '' ? ref.name : ref.namespace,
    // The body fills it after rules were asked.
    name: isTopLevelCreate ? '' : ref.name,
    path: '',
  };
}

function attributesOfInfo(info: RequestInfo, user: Requester | undefined): RequestAttributes {
  const { verb, isResourceRequest, apiGroup, resource, subresource, namespace, name, path } = info;
  return { user, verb, isResourceRequest, apiGroup, resource, subresource, namespace, name, path };
}

/** Requests with these verbs run long, whatever they ask for. */
export const LONG_RUNNING_VERBS: readonly string[] = ['watch', 'proxy'];
/** Requests for these subresources run long, whatever their verb. */
export const LONG_RUNNING_SUBRESOURCES: readonly string[] = ['attach', 'exec', 'proxy', 'log', 'portforward'];
/** Other URLs below this run long. */
export const LONG_RUNNING_PATH = '/debug/pprof/';

/**
 * Whether the API server logs the stage ResponseStarted for a request.
 * @see k8s.io/kubernetes pkg/controlplane/apiserver/config.go (BuildGenericConfig), k8s.io/apiserver
 *   pkg/server/filters/longrunning.go
 */
export function isLongRunning({ isResourceRequest, verb, subresource, path }: RequestAttributes): boolean {
  if (LONG_RUNNING_VERBS.includes(verb)) return true;
  return isResourceRequest
    ? LONG_RUNNING_SUBRESOURCES.includes(subresource)
    : path.startsWith(LONG_RUNNING_PATH);
}
