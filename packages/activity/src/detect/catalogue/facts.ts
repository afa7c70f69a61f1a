import { type Attribution, type AuditEvent, boundedText, type Permission } from '@leastwise/audit-event';

import type { EventFacts } from './types.ts';

/** What detections are told of an event and of what `attribute` made of it. */
export function factsOf(event: AuditEvent, attribution: Attribution): EventFacts {
  const nothing = { event, asked: undefined, resource: '', outcome: undefined };
  switch (attribution.kind) {
    case 'request': {
      const { receivedIdentity: identity, request } = attribution;
      const asked = request.need.permissions[0];
      return {
        event,
        asked,
        resource: asked === undefined ? '' : fullResource(asked),
        outcome: request.outcome,
        skipped: undefined,
        identity,
      };
    }
    case 'received':
      return { ...nothing, skipped: 'request-received', identity: attribution.identity };
    case 'skip':
      return { ...nothing, skipped: attribution.reason, identity: attribution.receivedIdentity };
  }
}

function fullResource({ apiGroup, resource }: Permission): string {
  return apiGroup === '' || resource === '' ? resource : `${apiGroup}/${resource}`;
}

/** Whether any of these verbs was asked for on one of these resources, and allowed. */
export function did(facts: EventFacts, verbs: string, ...resources: readonly string[]): boolean {
  return facts.outcome === 'allowed' && asks(facts, verbs, resources);
}

/** The same of what was refused. */
export function wasRefused(facts: EventFacts, verbs: string, ...resources: readonly string[]): boolean {
  return facts.outcome === 'denied' && asks(facts, verbs, resources);
}

function asks({ asked, resource }: EventFacts, verbs: string, resources: readonly string[]): boolean {
  // Few requests are for the resource, so that is asked first.
  return asked !== undefined && resource !== '' && resources.includes(resource) && isVerb(asked.verb, verbs);
}

function isVerb(verb: string, verbs: string): boolean {
  return verbs.split(' ').includes(verb);
}

/** Who sent a request, and as whom: `alice`, or `alice as bob`. */
export function whoOf({ event }: EventFacts): string {
  const user = boundedText(event.user.username);
  return event.impersonatedUser === undefined
    ? user
    : `${user} as ${boundedText(event.impersonatedUser.username)}`;
}

/** What was asked for, where: `list secrets, all namespaces`, `get secrets prod/db`, `get /metrics`. */
export function whatOf({ asked, event }: EventFacts): string {
  if (asked === undefined) return boundedText(`${event.verb} ${pathOf(event.requestURI)}`);
  const { verb, apiGroup, resource, namespace, name, path } = asked;
  if (resource === '') return boundedText(`${verb} ${path}`);
  const what = `${verb} ${apiGroup === '' ? resource : `${resource}.${apiGroup}`}`;
  if (name !== '') return boundedText(`${what} ${namespace === '' ? name : `${namespace}/${name}`}`);
  if (namespace !== '') return boundedText(`${what}, ${namespace}`);
  // Nothing is made in all namespaces: it is outside of them.
  return boundedText(verb === 'create' ? what : `${what}, all namespaces`);
}

/** The path of a request URI as it was logged, without its query. */
export function pathOf(requestURI: string): string {
  const query = requestURI.indexOf('?');
  return query < 0 ? requestURI : requestURI.slice(0, query);
}

/** All values of a parameter in a request URI's query, decoded. */
export function queryValues({ event }: EventFacts, key: string): readonly string[] {
  const query = event.requestURI.indexOf('?');
  return query < 0 ? [] : new URLSearchParams(event.requestURI.slice(query + 1)).getAll(key);
}

/** Whether a write was only tried out: the API server admits and validates it, and stores nothing. */
export function isDryRun(facts: EventFacts): boolean {
  const values = queryValues(facts, 'dryRun');
  return values.length > 0 && values.every((value) => value === 'All');
}

/** The longest name of a program that is told from others. */
const MAX_PROGRAM = 64;

/** The program of a user agent, in lower case and without its version. By its own word. */
export function programOf({ event }: EventFacts): string {
  const start = event.userAgent.slice(0, MAX_PROGRAM).toLowerCase();
  return start.split(/[/ ]/, 1)[0] ?? '';
}

/** A node, by its name. */
export function isNode(username: string): boolean {
  return username.startsWith('system:node:');
}

/** A service account, by its name. */
export function isServiceAccount(username: string): boolean {
  return username.startsWith('system:serviceaccount:');
}
