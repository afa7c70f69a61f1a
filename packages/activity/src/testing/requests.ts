import type { CountedRequest, Need, Permission, Subject } from '@leastwise/audit-event';

/** A user. */
export function user(name: string): Subject {
  return { kind: 'User', namespace: '', name };
}

/** `VERB resource`, `VERB group:resource` or `VERB /path`. */
export function permission(text: string): Permission {
  const [verb = '', target = ''] = text.split(' ');
  const empty = { verb, apiGroup: '', resource: '', namespace: '', name: '', path: '' };
  if (target.startsWith('/')) return { ...empty, path: target };
  const colon = target.indexOf(':');
  return { ...empty, apiGroup: target.slice(0, Math.max(colon, 0)), resource: target.slice(colon + 1) };
}

/** What a subject needed, as {@link permission} spells it. */
export function need(subject: Subject, ...permissions: string[]): Need {
  return { subject, groups: [], permissions: permissions.map(permission), viaRbac: true, grantingGroup: '' };
}

/** An allowed `get` of a pod by alice's kubectl at the epoch, changed as given. */
export function request(overrides: Partial<CountedRequest> = {}): CountedRequest {
  return {
    cluster: 'default',
    identity: { hi: 0, lo: 0 },
    auditID: 'a',
    receivedAtUs: 0,
    outcome: 'allowed',
    client: 'kubectl',
    need: need(user('alice'), 'get pods'),
    impersonation: undefined,
    namespaceLife: undefined,
    ...overrides,
  };
}
