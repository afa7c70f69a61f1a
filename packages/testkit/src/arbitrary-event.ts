import type { AuditEvent, Permission, Subject } from '@leastwise/audit-event';
import fc from 'fast-check';

import { arbitraryActor } from './actors.ts';
import type { Actor } from './actors.ts';
import { permissionFor, requestTo } from './api-request.ts';
import type { RequestTarget } from './api-request.ts';
import { HOSTILE_TEXTS } from './arbitrary-rbac.ts';
import { arbitraryTarget } from './arbitrary-target.ts';
import { START_US } from './audit-event-line.ts';
import { arbitraryVerdict } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';
import { createRandom } from './random.ts';

/** One API call: its audit events, and what evidence they are by the way they were made. */
export interface RequestScenario {
  /** The stages logged, in their order; at least one. */
  readonly events: readonly AuditEvent[];
  /** `uncounted`: it never came to a decision of the authorizer. */
  readonly outcome: 'allowed' | 'denied' | 'uncounted';
  /** Who RBAC binds for it: the impersonated one, if any; `undefined` where nobody was authenticated. */
  readonly subject: Subject | undefined;
  /** What the authorizer was asked; a patch or update that made its object needed `create` under that name as well. */
  readonly permissions: readonly Permission[];
}

/** Several calls, and their events as a shipper might deliver them. */
export interface LogScenario {
  readonly requests: readonly RequestScenario[];
  /** All events of the requests, some of them more than once, in any order. */
  readonly events: readonly AuditEvent[];
}

interface Choices {
  readonly actor: Actor;
  readonly impersonated: Actor | undefined;
  readonly constraint: string;
  readonly target: RequestTarget;
  readonly verdict: Verdict;
  readonly userAgent: string;
  readonly isArrivalLogged: boolean;
  /** Of a request that goes on (watch, exec): whether it ended within the log. */
  readonly isOpen: boolean;
  readonly isPanic: boolean;
  readonly offsetUs: number;
  readonly auditID: string;
}

const DAY_US = 86_400_000_000;
const USER_AGENTS = [
  'kubectl/v1.34.0 (linux/amd64) kubernetes/abcdef0',
  'kubectl-dispatcher/v1.0 (linux/amd64)',
  'Helm/3.16.2',
  'argocd-application-controller/v2.13.0',
  'kube-controller-manager/v1.34.0 (linux/amd64) kubernetes/abcdef0/shared-informers',
  'shop/v0.0.0 (linux/amd64) kubernetes/$Format',
  'Mozilla/5.0 (X11; Linux x86_64)',
  '',
];

const arbitraryChoices: fc.Arbitrary<Choices> = fc.record({
  actor: arbitraryActor,
  impersonated: fc.option(arbitraryActor, { nil: undefined, freq: 7 }),
  constraint: fc.constantFrom('', '', 'impersonate:user-info'),
  target: arbitraryTarget,
  verdict: arbitraryVerdict,
  userAgent: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...USER_AGENTS) },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  ),
  isArrivalLogged: fc.boolean(),
  isOpen: fc.boolean(),
  isPanic: fc.nat({ max: 40 }).map((dice) => dice === 40),
  offsetUs: fc.nat({ max: 40 * DAY_US }),
  auditID: fc.uuid(),
});

/** One API call with all the stages that were logged of it. */
export function arbitraryRequest(): fc.Arbitrary<RequestScenario> {
  return arbitraryChoices.map((choices) => scenarioOf(choices));
}

/** One audit event of any stage. */
export function arbitraryEvent(): fc.Arbitrary<AuditEvent> {
  return fc
    .tuple(arbitraryRequest(), fc.nat({ max: 5 }))
    .map(([{ events }, index]) => events[index % events.length] as AuditEvent); // there is at least one
}

/**
 * Requests over 40 days, all different, with their events duplicated and shuffled. Now and then two requests carry one
 * auditID, which clients choose.
 * @param options - `maxRequests`: default 30
 */
export function arbitraryLog(options: { readonly maxRequests?: number } = {}): fc.Arbitrary<LogScenario> {
  const request = fc.record({
    choices: arbitraryChoices,
    copies: fc.constantFrom(1, 1, 1, 2, 3),
    stealsAuditID: fc.nat({ max: 20 }).map((dice) => dice === 20),
  });
  return fc
    .tuple(fc.array(request, { maxLength: options.maxRequests ?? 30 }), fc.nat())
    .map(([entries, seed]) => {
      const requests = entries.map(({ choices, stealsAuditID }, index) =>
        scenarioOf({
          ...choices,
          // Received at a microsecond of its own, so that no two requests are the same one.
          offsetUs: choices.offsetUs - (choices.offsetUs % entries.length) + index,
          auditID: stealsAuditID ? (entries[0]?.choices.auditID ?? '') : choices.auditID,
        }),
      );
      const events = requests.flatMap(({ events: stages }, index) =>
        Array.from({ length: entries[index]?.copies ?? 1 }, () => stages).flat(),
      );
      return { requests, events: createRandom(seed).shuffle(events) };
    });
}

function scenarioOf(choices: Choices): RequestScenario {
  const { actor, verdict, target } = choices;
  const isAnonymous = verdict.kind === 'unauthenticated';
  const impersonated = verdict.isBeforeImpersonation ? undefined : choices.impersonated;
  const subject = isAnonymous ? undefined : (impersonated ?? actor).subject;
  const answer = verdict.answer({ target, actor: impersonated ?? actor });
  const last: AuditEvent = {
    auditID: choices.auditID,
    stage: 'ResponseComplete',
    ...requestTo(target),
    user: isAnonymous ? { username: '', uid: '', groups: [], extra: [] } : actor.user,
    impersonatedUser: impersonated?.user,
    userAgent: choices.userAgent,
    receivedAtUs: START_US + choices.offsetUs,
    impersonationConstraint: impersonated === undefined ? '' : choices.constraint,
    ...answer,
  };
  const permission = permissionFor(target);
  const events = stagesOf(last, choices);
  const makesObject =
    events.some(({ code }) => code === 201) && (target.verb === 'patch' || target.verb === 'update');
  const isAllowed = verdict.outcome === 'allowed';
  return {
    events,
    outcome: verdict.outcome,
    subject,
    permissions: isAllowed && makesObject ? [permission, { ...permission, verb: 'create' }] : [permission],
  };
}

function stagesOf(last: AuditEvent, choices: Choices): AuditEvent[] {
  // Failed authentications are logged at this one stage only.
  if (choices.verdict.kind === 'unauthenticated') return [{ ...last, stage: 'ResponseStarted' }];
  const stages: AuditEvent[] = [];
  if (choices.isArrivalLogged) stages.push(arrivalOf(last, choices.target));
  const isLong = last.code < 400 && (last.verb === 'watch' || last.objectRef?.subresource === 'exec');
  if (isLong) stages.push({ ...last, stage: 'ResponseStarted' });
  // A panic without a decision is no evidence of one, so it would not be a stage of an allowed request.
  if (choices.isPanic && last.code < 400 && last.decision !== '')
    stages.push({ ...last, stage: 'Panic', code: 500 });
  else if (!isLong || !choices.isOpen) stages.push(last);
  return stages;
}

/** What is known when a request arrives: no answer, no impersonation, no body. */
function arrivalOf(last: AuditEvent, target: RequestTarget): AuditEvent {
  return {
    ...last,
    ...requestTo({ ...target, bodyName: '' }),
    stage: 'RequestReceived',
    impersonatedUser: undefined,
    impersonationConstraint: '',
    code: 0,
    statusMessage: '',
    decision: '',
    reason: undefined,
  };
}
