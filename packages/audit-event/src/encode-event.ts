import type { AuditEvent, ObjectRef, UserInfo } from './types.ts';

/**
 * An event as one line of `audit.k8s.io/v1` JSON without its newline, holding what evidence rests on and no bodies:
 * reading it gives an equal event, so every copy has the same request identity.
 */
export function encodeEvent(event: AuditEvent): string {
  const { impersonatedUser, objectRef, impersonationConstraint, code, statusMessage, reason } = event;
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: event.auditID,
    stage: event.stage,
    requestURI: event.requestURI,
    verb: event.verb,
    user: userJson(event.user),
    impersonatedUser: impersonatedUser && userJson(impersonatedUser),
    authenticationMetadata: impersonationConstraint === '' ? undefined : { impersonationConstraint },
    userAgent: event.userAgent,
    objectRef: objectRef && refJson(objectRef),
    responseStatus: { code, message: statusMessage },
    requestReceivedTimestamp: microTime(event.receivedAtUs),
    annotations: {
      ...(event.decision === '' ? {} : { 'authorization.k8s.io/decision': event.decision }),
      ...(reason === undefined ? {} : { 'authorization.k8s.io/reason': reason }),
    },
  });
}

/** RFC 3339 with six decimals, as Kubernetes writes MicroTime. */
function microTime(us: number): string {
  const inSecond = ((us % 1_000_000) + 1_000_000) % 1_000_000;
  const seconds = new Date((us - inSecond) / 1000).toISOString().slice(0, -5);
  return `${seconds}.${String(inSecond).padStart(6, '0')}Z`;
}

function userJson({ username, uid, groups, extra }: UserInfo): object {
  // A null prototype, since a key may be `__proto__`.
  const record = Object.create(null) as Record<string, readonly string[]>;
  for (const [key, values] of extra) record[key] = values;
  return { username, uid, groups, extra: record };
}

function refJson({ apiGroup, resource, subresource, namespace, name }: ObjectRef): object {
  return { apiGroup, resource, subresource, namespace, name };
}
