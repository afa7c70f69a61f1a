import { attribute, type AuditEvent, createAttributeContext, type UserInfo } from '@leastwise/audit-event';

import { factsOf } from '../facts.ts';
import type { EventFacts } from '../types.ts';

const CONTEXT = createAttributeContext({ keyHex: '000102030405060708090a0b0c0d0e0f'.slice(0, 16) });

/** What differs from an ordinary request; users are names, or parts of a user. */
export type Overrides = Partial<Omit<AuditEvent, 'user' | 'impersonatedUser'>> & {
  readonly user?: string | Partial<UserInfo>;
  readonly as?: string | Partial<UserInfo>;
};

function userInfo(user: string | Partial<UserInfo>): UserInfo {
  const given = typeof user === 'string' ? { username: user } : user;
  return { username: 'alice', uid: '', groups: ['system:authenticated'], extra: [], ...given };
}

/** `VERB URI`, allowed, by alice with kubectl, changed as given. */
export function factsAbout(
  request: string,
  { user = 'alice', as, ...overrides }: Overrides = {},
): EventFacts {
  const [verb = '', requestURI = ''] = request.split(' ');
  const event: AuditEvent = {
    auditID: 'a1',
    stage: 'ResponseComplete',
    requestURI,
    verb,
    user: userInfo(user),
    impersonatedUser: as === undefined ? undefined : userInfo(as),
    userAgent: 'kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07',
    objectRef: undefined,
    code: 200,
    statusMessage: '',
    receivedAtUs: 1_795_225_281_605_336,
    decision: 'allow',
    reason: '',
    impersonationConstraint: '',
    ...overrides,
  };
  return factsOf(event, attribute(event, 'main', CONTEXT));
}
