import { type AuditEvent, boundedText, type CountedRequest, type Permission } from '@leastwise/audit-event';

import { type VerbClass, verbClassOf } from '../classes.ts';
import type { Client } from '../client/index.ts';
import { type QueryHints, queryHintsOf } from './query-hints.ts';

/**
 * What is kept of a request besides its time and its auditID: bounded, with no body and no secret of a command. Requests
 * that are alike share one.
 */
export interface TraceShape {
  readonly outcome: CountedRequest['outcome'];
  readonly verbClass: VerbClass;
  readonly verb: string;
  /** `pods/exec`, `deployments.apps/scale`; `''` for a URL. */
  readonly resource: string;
  readonly namespace: string;
  /** What the request was about; for a create, what the server made of the body, which may be nothing. */
  readonly name: string;
  /** Of a request that is about no resource. */
  readonly path: string;
  /** Whom the request was made as, `''` where in the own name, {@link UNKNOWN_NAME} where the log does not say. */
  readonly as: string;
  readonly hints: QueryHints;
  /** Sent by kubectl or what is like it. */
  readonly isKubectl: boolean;
  /** The question of a kubectl dispatcher for the server's version: a command begins here. */
  readonly isStart: boolean;
  /** HTTP status; 0 where unknown. Stages of one request may differ in it: see {@link laterStage}. */
  readonly code: number;
  /** How late in the life of the request the code was told: higher wins. */
  readonly stageRank: number;
}

/** One request as it is kept. */
export interface KeptTrace {
  readonly atUs: number;
  readonly auditID: string;
  readonly shape: TraceShape;
}

/** One request, as commands are inferred from it. */
export interface Trace extends TraceShape {
  readonly atUs: number;
  readonly auditID: string;
}

/** In the place of a name that an API server does not log: of whom somebody was refused to act as. */
export const UNKNOWN_NAME = '?';

const MAX_NAME = 253;
const MAX_ID = 64;
/** Larger numbers are no status of HTTP. */
export const MAX_CODE = 999;
/** The stages of a request that come with an answer end with this one's rank. */
export const MAX_STAGE_RANK = 3;
const STAGE_RANKS: Readonly<Record<AuditEvent['stage'], number>> = {
  RequestReceived: 0,
  ResponseStarted: 1,
  ResponseComplete: 2,
  Panic: 3,
};

/** A name as it is kept: names of Kubernetes end at 253 characters, and `…` says that one was cut. */
export function cutName(text: string): string {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text;
}

/** A resource as kubectl spells it: `deployments.apps/scale`, `pods/exec`. */
export function resourceText({ apiGroup, resource }: Permission): string {
  const [parent = '', ...sub] = resource.split('/');
  return [apiGroup === '' ? parent : `${parent}.${apiGroup}`, ...sub].join('/');
}

/**
 * What is kept of a request, but for its time and its auditID.
 * @param permission - what the request itself asked for
 */
export function traceShapeOf(
  event: AuditEvent,
  {
    permission,
    outcome,
    client,
  }: Pick<TraceShape, 'outcome'> & {
    readonly permission: Permission;
    readonly client: Client;
  },
): TraceShape {
  // The authorizer sees no name of what is to be created; the server fills it in from the body.
  const name =
    permission.name === '' && permission.verb === 'create' ? event.objectRef?.name : permission.name;
  return {
    outcome,
    verbClass: verbClassOf(permission),
    verb: cutName(permission.verb),
    resource: cutName(resourceText(permission)),
    namespace: cutName(permission.namespace),
    name: cutName(name ?? ''),
    path: cutName(permission.path),
    as: event.impersonatedUser === undefined ? '' : boundedText(event.impersonatedUser.username),
    hints: queryHintsOf(event.requestURI),
    isKubectl: client.kind === 'kubectl',
    isStart: isDiscoveryPath(permission.path) && client.isDispatcher,
    code: Math.min(Math.max(0, Math.trunc(event.code)), MAX_CODE),
    stageRank: STAGE_RANKS[event.stage],
  };
}

/** An auditID as it is kept. */
export function cutAuditID(auditID: string): string {
  return auditID.slice(0, MAX_ID);
}

/** Of two events of one request the one that knows more: the later stage, then the larger code; the same in any order. */
export function laterStage(a: KeptTrace, b: KeptTrace): KeptTrace {
  const order =
    a.shape.stageRank - b.shape.stageRank ||
    a.shape.code - b.shape.code ||
    compareText(textOf(a.shape), textOf(b.shape));
  return order < 0 ? b : a;
}

/** What was done is kept before what was read or refused, so that no flood of these hides it. */
function rankOf(shape: TraceShape): number {
  return shape.outcome === 'allowed' && (isChanging(shape) || isSecretRead(shape)) ? 0 : 1;
}

/** Which of too many is kept: what was done first, then what came first; one order for all. */
export function compareKept(a: KeptTrace, b: KeptTrace): number {
  return (
    rankOf(a.shape) - rankOf(b.shape) ||
    a.atUs - b.atUs ||
    compareText(a.auditID, b.auditID) ||
    compareText(textOf(a.shape), textOf(b.shape))
  );
}

/** One order for the requests of an actor, whatever the order they came in: by time, then by what they are. */
export function compareTraces(a: Trace, b: Trace): number {
  return a.atUs - b.atUs || compareText(a.auditID, b.auditID) || compareText(textOf(a), textOf(b));
}

function textOf({ verb, resource, namespace, name, path, as, outcome, hints }: TraceShape): string {
  return JSON.stringify([verb, resource, namespace, name, path, as, outcome, hints]);
}

/** Orders texts by their code units. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const DISCOVERY = /^\/(?:api|apis|openapi|version|swagger\S{0,20})(?:\/|$)/;

function isDiscoveryPath(path: string): boolean {
  return path !== '' && DISCOVERY.test(path);
}

/** Whether a request only asks what the server can do, as kubectl does before nearly every command. */
export function isDiscovery({ path }: TraceShape): boolean {
  return isDiscoveryPath(path);
}

/** Whether a request reads secrets: their content, by name or all at once. */
export function isSecretRead({ resource, verb }: TraceShape): boolean {
  return resource === 'secrets' && (verb === 'get' || verb === 'list' || verb === 'watch');
}

const CHANGING: readonly VerbClass[] = [
  'create',
  'update',
  'delete',
  'delete-collection',
  'exec',
  'escalate',
];
/** Created to be answered, not to be kept. */
const REVIEWS = /^(?:self)?subject\w*reviews\.|^localsubjectaccessreviews\.|^tokenreviews\./;

/** Whether a request changes the cluster, or reaches into what runs in it; a dry run does not. */
export function isChanging({ verbClass, resource, hints }: TraceShape): boolean {
  return CHANGING.includes(verbClass) && !hints.isDryRun && !REVIEWS.test(resource);
}
