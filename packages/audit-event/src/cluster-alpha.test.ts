import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { attribute, createAttributeContext } from './attribute.ts';
import { parseRequestURI, requestInfoOf } from './request-info.ts';
import { auditEvent, objectRef } from './testing/audit-event.ts';
import type { AuditEvent, CountedRequest, ObjectRef, UserInfo } from './types.ts';

const LOG = new URL('../../../../shared/data/cluster-alpha.audit.log.gz', import.meta.url);

/** The fields of a logged event that are read here; the log is trusted. */
interface Logged {
  readonly auditID: string;
  readonly stage: AuditEvent['stage'];
  readonly requestURI: string;
  readonly verb: string;
  readonly user: Partial<UserInfo>;
  readonly impersonatedUser?: Partial<UserInfo>;
  readonly userAgent: string;
  readonly objectRef?: Partial<ObjectRef>;
  readonly responseStatus?: { readonly code: number; readonly message?: string };
  readonly requestReceivedTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function userOf(logged: Partial<UserInfo>): UserInfo {
  return {
    username: '',
    uid: '',
    groups: [],
    ...logged,
    extra: Object.entries(logged.extra ?? {}) as UserInfo['extra'],
  };
}

function readEvent(line: string): AuditEvent {
  const logged = JSON.parse(line) as Logged;
  return auditEvent({
    auditID: logged.auditID,
    stage: logged.stage,
    requestURI: logged.requestURI,
    verb: logged.verb,
    user: userOf(logged.user),
    impersonatedUser: logged.impersonatedUser && userOf(logged.impersonatedUser),
    userAgent: logged.userAgent,
    objectRef: logged.objectRef && objectRef(logged.objectRef),
    code: logged.responseStatus?.code ?? 0,
    statusMessage: logged.responseStatus?.message ?? '',
    receivedAtUs: Date.parse(logged.requestReceivedTimestamp) * 1000,
    decision: logged.annotations?.['authorization.k8s.io/decision'] ?? '',
    reason: logged.annotations?.['authorization.k8s.io/reason'],
  });
}

function readLog(): AuditEvent[] {
  return gunzipSync(readFileSync(LOG)).toString('utf8').trim().split('\n').map(readEvent);
}

describe.skipIf(!existsSync(LOG))('cluster-alpha, the log of a real kube-apiserver', () => {
  const events = existsSync(LOG) ? readLog() : [];
  const context = createAttributeContext({ keyHex: '0001020304050607' });
  const requests = events.flatMap((event): CountedRequest[] => {
    const attribution = attribute(event, 'alpha', context);
    return attribution.kind === 'request' ? [attribution.request] : [];
  });

  it('has URIs that say the same as the objectRef, but for the names that creates take from their bodies', () => {
    let creates = 0;
    for (const event of events) {
      const info = parseRequestURI(event.requestURI, event.verb);
      const ref = event.objectRef;
      expect(info?.isResourceRequest).toBe(ref !== undefined);
      expect(info?.verb).toBe(event.verb);
      if (info === undefined || ref === undefined) continue;
      const isTopLevelCreate = event.verb === 'create' && ref.subresource === '';
      if (isTopLevelCreate && ref.name !== '') creates += 1;
      const seen = {
        apiGroup: info.apiGroup,
        resource: info.resource,
        subresource: info.subresource,
        namespace: info.namespace,
        name: isTopLevelCreate ? ref.name : info.name,
      };
      expect(seen).toEqual(pick(ref));
      if (isTopLevelCreate) expect(info.name).toBe('');
    }
    expect(creates).toBeGreaterThan(100);
  });

  function pick(ref: ObjectRef): ObjectRef {
    const { apiGroup, resource, subresource, namespace, name } = ref;
    return { apiGroup, resource, subresource, namespace, name };
  }

  it('says the same without its URIs', () => {
    for (const event of events) {
      if (event.objectRef === undefined) continue;
      expect(requestInfoOf({ ...event, requestURI: '' })).toEqual(requestInfoOf(event));
    }
  });

  it('is attributed wholly', () => {
    expect(requests).toHaveLength(events.length);
    expect(requests.some((request) => request.impersonation !== undefined)).toBe(true);
    expect(requests.some((request) => request.need.grantingGroup !== '')).toBe(true);
    const named = requests.filter(({ need }) => need.grantingBinding !== undefined);
    expect(new Set(named.map(({ need }) => need.grantingBinding?.kind))).toEqual(
      new Set(['ClusterRoleBinding', 'RoleBinding']),
    );
    expect(requests.some((request) => request.outcome === 'denied')).toBe(true);
    expect(requests.some((request) => request.need.permissions.length === 2)).toBe(true);
  });

  it('has one identity for each request, whatever the stages', () => {
    const byRequest = new Map<string, Set<string>>();
    for (const { auditID, identity } of requests) {
      const identities = byRequest.get(auditID) ?? new Set();
      byRequest.set(auditID, identities.add(`${String(identity.hi)}-${String(identity.lo)}`));
    }
    expect(byRequest.size).toBeLessThan(events.length);
    expect([...byRequest.values()].every((identities) => identities.size === 1)).toBe(true);
    expect(new Set([...byRequest.values()].flatMap((identities) => [...identities])).size).toBe(
      byRequest.size,
    );
  });
});
