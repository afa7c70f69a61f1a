import type { AuditEvent, ObjectRef, Permission, UserInfo } from '../types.ts';

/** A user with nothing but what is given. */
export function user(overrides: Partial<UserInfo> = {}): UserInfo {
  return { username: 'alice', uid: '', groups: ['system:authenticated'], extra: [], ...overrides };
}

/** An objectRef with nothing but what is given. */
export function objectRef(overrides: Partial<ObjectRef> = {}): ObjectRef {
  return { apiGroup: '', resource: '', subresource: '', namespace: '', name: '', ...overrides };
}

/** A completed, allowed `get` of a pod by alice, changed as given. */
export function auditEvent(overrides: Partial<AuditEvent> = {}): AuditEvent {
  return {
    auditID: '8f1c5c1e-3d0b-4a57-9d5f-0f4a9d7c2b11',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/dev/pods/p1',
    verb: 'get',
    user: user(),
    impersonatedUser: undefined,
    userAgent: 'kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07',
    objectRef: undefined,
    code: 200,
    statusMessage: '',
    receivedAtUs: 1_795_225_281_605_336,
    decision: 'allow',
    reason: 'RBAC: allowed by RoleBinding "rb1/dev" of Role "r1" to User "alice"',
    impersonationConstraint: '',
    ...overrides,
  };
}

/** `verb group/resource namespace:name` or `verb path`, so that a table stays readable. */
export function short(permission: Permission): string {
  if (permission.path !== '') return `${permission.verb} ${permission.path}`;
  return `${permission.verb} ${permission.apiGroup}/${permission.resource} ${permission.namespace}:${permission.name}`;
}
