import type { AuditEvent } from '@leastwise/audit-event';
import fc from 'fast-check';

import type { Actor } from './actors.ts';
import type { RequestTarget } from './api-request.ts';

/** The fields of an audit event that tell how a request was answered. */
export type Answer = Pick<AuditEvent, 'code' | 'statusMessage' | 'decision' | 'reason'>;

/** How an API server answers a request, and what evidence that makes it. */
export interface Verdict {
  readonly kind: string;
  readonly outcome: 'allowed' | 'denied' | 'uncounted';
  /** The filters for authentication and impersonation refuse before anybody is impersonated. */
  readonly isBeforeImpersonation: boolean;
  /** `actor` is who is authorized: the impersonated one, if any. */
  readonly answer: (asked: { readonly target: RequestTarget; readonly actor: Actor }) => Answer;
}

const UNDECIDED = { decision: '', reason: undefined };

function allowed(
  kind: string,
  annotations: (actor: Actor) => Pick<Answer, 'decision' | 'reason'>,
  code?: number,
): Verdict {
  return {
    kind,
    outcome: 'allowed',
    isBeforeImpersonation: false,
    answer: ({ target, actor }) => ({
      code: codeFor(target, code),
      statusMessage: code === 403 ? 'admission webhook "policy.example.com" denied the request' : '',
      ...annotations(actor),
    }),
  };
}

/** Creates are answered 201; patches and updates only if they made their object. */
function codeFor(target: RequestTarget, wanted: number | undefined): number {
  if (target.resource === '') return wanted === 201 ? 200 : (wanted ?? 200);
  if (target.verb === 'create') return wanted ?? 201;
  const mayCreate = target.verb === 'patch' || target.verb === 'update';
  return wanted === 201 && !mayCreate ? 200 : (wanted ?? 200);
}

function refused(
  kind: string,
  outcome: Verdict['outcome'],
  answer: (asked: { readonly target: RequestTarget; readonly actor: Actor }) => Answer,
): Verdict {
  return {
    kind,
    outcome,
    isBeforeImpersonation: kind === 'unauthenticated' || kind === 'impersonation refused',
    answer,
  };
}

function byRbac({ user, subject }: Actor): Pick<Answer, 'decision' | 'reason'> {
  if (user.groups.includes('system:masters')) return { decision: 'allow', reason: '' };
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace}` : user.username;
  const to = `${subject.kind} ${JSON.stringify(name)}`;
  return { decision: 'allow', reason: `RBAC: allowed by RoleBinding "app/shop" of Role "app" to ${to}` };
}

function byGroup({ user }: Actor): Pick<Answer, 'decision' | 'reason'> {
  const group = user.groups[0] ?? 'system:authenticated';
  const reason = `RBAC: allowed by ClusterRoleBinding "team" of ClusterRole "view" to Group ${JSON.stringify(group)}`;
  return { decision: 'allow', reason };
}

function forbiddenMessage(target: RequestTarget, actor: Actor): string {
  if (target.resource === '') {
    return `forbidden: User "${actor.user.username}" cannot ${target.verb} path "${target.path}"`;
  }
  const scope = target.namespace === '' ? 'at the cluster scope' : `in the namespace "${target.namespace}"`;
  const what = `resource "${target.resource}" in API group "${target.apiGroup}" ${scope}`;
  return `${target.resource} is forbidden: User "${actor.user.username}" cannot ${target.verb} ${what}`;
}

/** Weights are how often; all of them occur in a few hundred runs. */
const VERDICTS: readonly (readonly [weight: number, verdict: Verdict])[] = [
  [12, allowed('granted', byRbac)],
  [4, allowed('granted through a group', byGroup)],
  [3, allowed('made the object', byRbac, 201)],
  [1, allowed('allowed, not found', byRbac, 404)],
  [1, allowed('allowed, conflict', byRbac, 409)],
  [1, allowed('allowed, refused by admission', byRbac, 403)],
  [
    2,
    allowed('granted by another authorizer', () => ({ decision: 'allow', reason: 'access granted by IAM' })),
  ],
  [2, allowed('not annotated', () => UNDECIDED)],
  [1, allowed('not annotated, not found', () => UNDECIDED, 404)],
  [
    4,
    refused('forbidden', 'denied', ({ target, actor }) => ({
      code: 403,
      statusMessage: forbiddenMessage(target, actor),
      decision: 'forbid',
      reason: '',
    })),
  ],
  [
    1,
    refused('forbidden, not annotated', 'denied', ({ target, actor }) => ({
      code: 403,
      statusMessage: forbiddenMessage(target, actor),
      ...UNDECIDED,
    })),
  ],
  [1, refused('unauthenticated', 'uncounted', () => ({ code: 401, statusMessage: '', ...UNDECIDED }))],
  [1, refused('throttled', 'uncounted', () => ({ code: 429, statusMessage: '', ...UNDECIDED }))],
  [
    1,
    refused('impersonation refused', 'uncounted', ({ actor }) => ({
      code: 403,
      statusMessage: `users "root" is forbidden: User "${actor.user.username}" cannot impersonate resource "users" in API group "" at the cluster scope`,
      ...UNDECIDED,
    })),
  ],
];

/** Every way in which a request ends, grants being the most frequent. */
export const arbitraryVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  ...VERDICTS.map(([weight, verdict]) => ({ weight, arbitrary: fc.constant(verdict) })),
);
