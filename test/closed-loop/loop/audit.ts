import { readFile } from 'node:fs/promises';

import type { Cell } from '@leastwise/rbac';

import { KUBERNETES_VERSION } from '../support/binaries.ts';

/** The parts of an audit event that the loop looks at, as the API server writes them. */
export interface LoggedEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username?: string; readonly groups?: string[] };
  readonly impersonatedUser?: {
    readonly username: string;
    readonly uid?: string;
    readonly groups?: string[];
    readonly extra?: Record<string, string[]>;
  };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Record<string, string>;
}

/** One request of a log: its first event, made before anything of the body is known, and its last. */
export interface LoggedRequest {
  readonly first: LoggedEvent;
  readonly last: LoggedEvent;
}

/** Reads an audit log with a plain JSON parser and puts the stages of each request together. */
export async function readAuditLog(file: string): Promise<LoggedRequest[]> {
  const requests = new Map<string, LoggedRequest>();
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line === '') continue;
    const event = JSON.parse(line) as LoggedEvent;
    const key = `${event.auditID} ${event.requestReceivedTimestamp}`;
    requests.set(key, { first: requests.get(key)?.first ?? event, last: event });
  }
  return [...requests.values()];
}

/** Whether the API server did what was asked, as far as rights go. */
export function isRefused({ last }: LoggedRequest): boolean {
  const code = last.responseStatus?.code ?? 0;
  return code === 401 || code === 403;
}

/** A cell and who needs it. */
export interface NeededCell {
  readonly username: string;
  readonly groups: readonly string[];
  readonly cell: Cell;
}

const cell = (fields: Partial<Cell>): Cell => ({
  verb: '',
  apiGroup: '',
  resource: '',
  namespace: '',
  name: '',
  path: '',
  ...fields,
});

function ownCell({ first }: LoggedRequest): Cell {
  const { objectRef, verb, requestURI } = first;
  if (objectRef?.resource === undefined) {
    return cell({ verb, path: decodeURIComponent(requestURI.split('?')[0] ?? '') });
  }
  const { apiGroup = '', resource, subresource, namespace = '', name = '' } = objectRef;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  return cell({ verb, apiGroup, resource: whole, namespace, name });
}

function impersonationCells({ last }: LoggedRequest): Cell[] {
  const { impersonatedUser: as } = last;
  if (!as) return [];
  const [, , namespace, name] = as.username.startsWith('system:serviceaccount:')
    ? as.username.split(':')
    : [];
  const impersonate = (fields: Partial<Cell>): Cell => cell({ verb: 'impersonate', ...fields });
  if (namespace !== undefined && name !== undefined) {
    return [impersonate({ resource: 'serviceaccounts', namespace, name })];
  }
  const authentication = 'authentication.k8s.io';
  return [
    impersonate({ resource: 'users', name: as.username }),
    // The API server adds this group by itself.
    ...(as.groups ?? [])
      .filter((group) => group !== 'system:authenticated')
      .map((group) => impersonate({ resource: 'groups', name: group })),
    ...(as.uid === undefined
      ? []
      : [impersonate({ apiGroup: authentication, resource: 'uids', name: as.uid })]),
    ...Object.entries(as.extra ?? {}).flatMap(([key, values]) =>
      values.map((value) =>
        impersonate({ apiGroup: authentication, resource: `userextras/${key}`, name: value }),
      ),
    ),
  ];
}

/** From 1.35 on, who opens a stream by WebSocket needs `create`, too (AuthorizePodWebsocketUpgradeCreatePermission). */
const STREAMS_CREATE = Number(KUBERNETES_VERSION.split('.')[1]) >= 35;

/**
 * What the authorizer was asked about a request that was allowed: an oracle that shares no code with the
 * product. It takes objectRef of the first stage, which the API server fills from the very attributes that
 * it authorizes, and adds the secondary checks.
 */
export function neededCells(request: LoggedRequest): NeededCell[] {
  const { user, impersonatedUser } = request.last;
  const actor = impersonatedUser ?? user;
  const holder = { username: actor.username ?? '', groups: actor.groups ?? [] };
  const own = ownCell(request);
  const isStream = own.verb === 'get' && /^pods\/(?:exec|attach|portforward)$/.test(own.resource);
  const isCreated = request.last.responseStatus?.code === 201 && ['update', 'patch'].includes(own.verb);
  return [
    { ...holder, cell: own },
    ...(isCreated || (isStream && STREAMS_CREATE) ? [{ ...holder, cell: { ...own, verb: 'create' } }] : []),
    ...impersonationCells(request).map((each) => ({
      username: user.username ?? '',
      groups: user.groups ?? [],
      cell: each,
    })),
  ];
}
