import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { at, textAt } from './api.ts';
import { isController } from './rights.ts';

/** What controllers were allowed and refused, each kind of request with how often. */
export interface Decisions {
  readonly allowed: ReadonlyMap<string, number>;
  readonly forbidden: ReadonlyMap<string, number>;
}

function namespaceClass(namespace: string): string {
  if (namespace === '') return 'cluster';
  return namespace === 'kube-system' ? namespace : 'some namespace';
}

/** User, verb, group, resource or URL, and where: two drives differ in names and counts, not in these. */
function kindOf(event: unknown): string {
  const text = (...keys: string[]): string => textAt(event, ...keys);
  const subresource = text('objectRef', 'subresource');
  const resource = text('objectRef', 'resource') + (subresource === '' ? '' : `/${subresource}`);
  const what = resource === '' ? (text('requestURI').split('?')[0] ?? '') : resource;
  const where = namespaceClass(text('objectRef', 'namespace'));
  return JSON.stringify([text('user', 'username'), text('verb'), text('objectRef', 'apiGroup'), what, where]);
}

/** The user of a kind of request. */
export function userOf(kind: string): string {
  return textAt(JSON.parse(kind), 0);
}

/** Reads the API server's own decisions about controllers from its audit log, by nothing of Leastwise. */
export async function readDecisions(auditLog: string): Promise<Decisions> {
  const decisions = { allow: new Map<string, number>(), forbid: new Map<string, number>() };
  for await (const line of createInterface({ input: createReadStream(auditLog) })) {
    if (line === '') continue;
    const event: unknown = JSON.parse(line);
    const decision = at(event, 'annotations', 'authorization.k8s.io/decision');
    if (decision !== 'allow' && decision !== 'forbid') continue;
    if (!isController(textAt(event, 'user', 'username'))) continue;
    const kind = kindOf(event);
    decisions[decision].set(kind, (decisions[decision].get(kind) ?? 0) + 1);
  }
  return { allowed: decisions.allow, forbidden: decisions.forbid };
}
