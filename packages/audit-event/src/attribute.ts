import { createIdentityHasher } from './identity.ts';
import type { IdentityHasher } from './identity.ts';
import { impersonationNeed } from './impersonation.ts';
import { allowedByRbac, grantedBy } from './reason.ts';
import { isDryRun, parseRequestURI, requestInfoOf } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import { subjectFromUsername } from './subject.ts';
import type {
  AuditEvent,
  ClientKind,
  CountedRequest,
  Identity,
  NamePattern,
  Permission,
  SkipReason,
  Subject,
} from './types.ts';
import { withoutNul } from './uri.ts';
import { createClientKinds } from './user-agent.ts';

/** A group to which requests are attributed in the place of their users. */
export interface GroupSelection {
  readonly name: string;
  /** `reason`: requests that the API server says were granted to the group; `membership`: all of its members'. */
  readonly by: 'reason' | 'membership';
}

/** What attribution needs besides the event. Holds bounded memories, so make one and keep it. */
export interface AttributeContext {
  readonly hasher: IdentityHasher;
  readonly clientKind: (userAgent: string) => ClientKind;
  readonly group: GroupSelection | undefined;
  /** What was made of events before, by their shapes. */
  readonly byShape: WeakMap<object, Evidence | SkipReason>;
  /** The same, as far as it holds for every name. */
  readonly byPattern: WeakMap<NamePattern, Evidence | 'nothing'>;
}

/** What becomes of an audit event. */
export type Attribution =
  | {
      readonly kind: 'request';
      readonly request: CountedRequest;
      /** As which the stage RequestReceived of this request was reported. */
      readonly receivedIdentity: Identity;
    }
  | {
      /** The stage RequestReceived: it knows no outcome, so it counts for nothing by itself. */
      readonly kind: 'received';
      readonly identity: Identity;
      readonly cluster: string;
      readonly auditID: string;
      readonly receivedAtUs: number;
    }
  | {
      readonly kind: 'skip';
      readonly reason: SkipReason;
      /** As which the stage RequestReceived of this request was reported. */
      readonly receivedIdentity: Identity;
    };

/**
 * @param options - `keyHex`: the key of request identities, 16 hexadecimal digits; `group`: attribute to this group only
 * @throws IdentityKeyError if the key is malformed
 */
export function createAttributeContext(options: {
  readonly keyHex: string;
  readonly group?: GroupSelection | undefined;
}): AttributeContext {
  return {
    hasher: createIdentityHasher(options.keyHex),
    clientKind: createClientKinds(),
    group: options.group,
    byShape: new WeakMap(),
    byPattern: new WeakMap(),
  };
}

/**
 * Says what an audit event is evidence of: which subject asked for which permissions, and with what outcome; or why
 * it is no evidence. Depends on nothing but its arguments.
 *
 * A request is allowed if the authorizer said so, whatever its status code; without the annotation, unless its code
 * is 401, 403 or 429. Its permissions are those of the authorizer's question, taken from verb and request URI, and of
 * the further question that the API server asks without logging it: `create` where a patch or update made the object.
 * An impersonated request belongs to the impersonated user.
 */
export function attribute(event: AuditEvent, cluster: string, context: AttributeContext): Attribution {
  const receivedIdentity = context.hasher.baseIdentityOf(event, cluster);
  const { auditID, receivedAtUs } = event;
  if (event.stage === 'RequestReceived') {
    return { kind: 'received', identity: receivedIdentity, cluster, auditID, receivedAtUs };
  }
  const evidence = evidenceOf(event, context);
  if (typeof evidence === 'string') return { kind: 'skip', reason: evidence, receivedIdentity };
  return {
    kind: 'request',
    receivedIdentity,
    request: {
      cluster,
      identity: event.impersonatedUser ? context.hasher.identityOf(event, cluster) : receivedIdentity,
      auditID,
      receivedAtUs,
      client: evidence.client,
      outcome: evidence.outcome,
      need: evidence.need,
      impersonation: evidence.impersonation,
      namespaceLife: evidence.namespaceLife,
      shape: event.shape,
      pattern: evidence.pattern,
    },
  };
}

type Evidence = Pick<
  CountedRequest,
  'outcome' | 'client' | 'need' | 'impersonation' | 'namespaceLife' | 'pattern'
>;

/** Neither auditID nor time make a difference to it, so one answer serves all events of a shape. */
function evidenceOf(event: AuditEvent, context: AttributeContext): Evidence | SkipReason {
  const { shape } = event;
  const pattern = shape?.pattern;
  const ofAny = pattern && ofAnyName(event, pattern, context);
  if (ofAny) return withName(ofAny, event.objectRef?.name ?? '');
  const known = shape && context.byShape.get(shape);
  if (known !== undefined) return known;
  const evidence = readEvidence(event, context);
  if (shape) context.byShape.set(shape, evidence);
  return evidence;
}

/** Two names, so that no segment that is the same for all names passes for both. */
const NAMES = ['a-name', 'another-name'];

/** Most events of a pattern are evidence of the same, but for the name: then of what. */
function ofAnyName(event: AuditEvent, pattern: NamePattern, context: AttributeContext): Evidence | undefined {
  const known = context.byPattern.get(pattern);
  if (known !== undefined) return known === 'nothing' ? undefined : known;
  const evidence = evidenceOfAny(event, pattern, context);
  context.byPattern.set(pattern, evidence ?? 'nothing');
  return evidence;
}

/** What events of a pattern are evidence of, if the segment that is their name is that of the object asked for. */
function evidenceOfAny(
  event: AuditEvent,
  pattern: NamePattern,
  context: AttributeContext,
): Evidence | undefined {
  if (event.impersonatedUser) return undefined;
  let evidence: Evidence | undefined;
  for (const name of NAMES) {
    const other = renamed(event, pattern, name);
    const read = readEvidence(other, context);
    const isName = parseRequestURI(other.requestURI, other.verb)?.name === name;
    if (typeof read === 'string' || !isName || !isAsked(read, name)) return undefined;
    evidence = { ...read, pattern };
  }
  return evidence;
}

function renamed(event: AuditEvent, { before, after }: NamePattern, name: string): AuditEvent {
  const requestURI = `${before}${name}${after}`;
  return { ...event, requestURI, objectRef: event.objectRef && { ...event.objectRef, name } };
}

/** Whether a name is that of the object that was asked for, and not of its namespace, too. */
function isAsked({ need }: Evidence, name: string): boolean {
  return need.permissions.every((asked) => asked.name === name && asked.namespace !== name);
}

/** Literals, since spreading is slow. */
function withName(evidence: Evidence, name: string): Evidence {
  const { need } = evidence;
  return {
    outcome: evidence.outcome,
    client: evidence.client,
    need: {
      subject: need.subject,
      groups: need.groups,
      permissions: need.permissions.map((asked) => permissionNamed(asked, name)),
      viaRbac: need.viaRbac,
      grantingGroup: need.grantingGroup,
      grantingBinding: need.grantingBinding,
    },
    impersonation: undefined,
    namespaceLife: evidence.namespaceLife,
    pattern: evidence.pattern,
  };
}

function permissionNamed(
  { verb, apiGroup, resource, namespace, path }: Permission,
  name: string,
): Permission {
  return { verb, apiGroup, resource, namespace, name, path };
}

function readEvidence(event: AuditEvent, { group, clientKind }: AttributeContext): Evidence | SkipReason {
  const outcome = outcomeOf(event);
  if (outcome !== 'allowed' && outcome !== 'denied') return outcome;
  const isAllowed = outcome === 'allowed';
  // A refused request was granted by nobody, whatever its reason says.
  const granted = grantedBy(isAllowed ? event.reason : undefined);
  const subject = subjectOf(event, granted.group, group);
  if (typeof subject === 'string') return subject;
  const info = askedOf(event);
  if (info === undefined) return 'unattributable';
  const asked = permissionOf(info);
  return {
    outcome,
    client: clientKind(event.userAgent),
    need: {
      subject,
      groups: (event.impersonatedUser ?? event.user).groups,
      permissions:
        isAllowed && isCreatingWrite(event, info) ? [asked, { ...asked, verb: 'create' }] : [asked],
      // Nobody allowed a refused request, so RBAC is what it lacks.
      viaRbac: !isAllowed || allowedByRbac(event.reason, granted.group),
      grantingGroup: granted.group,
      grantingBinding: granted.binding,
    },
    // The log never says which group allowed an impersonation, so a group's policy leaves them out.
    impersonation: group === undefined ? impersonationNeed(event, asked) : undefined,
    namespaceLife: isAllowed ? namespaceLifeOf(event, info) : undefined,
  };
}

/** A path like `/api/v1//x` asks for the resource `''`, for which there is no rule. */
function askedOf(event: AuditEvent): RequestInfo | undefined {
  const info = requestInfoOf(event);
  return info?.isResourceRequest === true && info.resource === '' ? undefined : info;
}

function outcomeOf(event: AuditEvent): CountedRequest['outcome'] | SkipReason {
  if (event.code === 401) return 'unauthenticated';
  if (event.decision === 'allow') return 'allowed';
  if (event.decision === 'forbid') return 'denied';
  if (event.code === 429) return 'throttled';
  if (isUndecided(event.code)) return 'undecided';
  if (event.code !== 403) return 'allowed';
  // The impersonation filter runs before authorization, and refuses in the real user's name.
  return event.statusMessage.includes('cannot impersonate') ? 'impersonation-refused' : 'denied';
}

/**
 * Whether a status without a decision may come from before authorization: bad impersonation headers, a panic or a
 * broken authorizer are answered 400 or 500, and would let anybody earn a grant by asking wrongly.
 */
function isUndecided(code: number): boolean {
  return code === 0 || code === 400 || code >= 500;
}

function subjectOf(
  event: AuditEvent,
  grantingGroup: string,
  group: GroupSelection | undefined,
): Subject | SkipReason {
  const actor = event.impersonatedUser ?? event.user;
  if (group === undefined) return subjectFromUsername(actor.username) ?? 'unattributable';
  const isSelected = group.by === 'reason' ? grantingGroup === group.name : actor.groups.includes(group.name);
  return isSelected ? { kind: 'Group', namespace: '', name: group.name } : 'filtered';
}

function permissionOf(info: RequestInfo): Permission {
  return {
    verb: info.verb,
    apiGroup: info.apiGroup,
    resource: info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
  };
}

/** A patch or update answered 201 made its object, for which the API server asked for `create` under that name too. */
function isCreatingWrite(event: AuditEvent, info: RequestInfo): boolean {
  return event.code === 201 && (info.verb === 'patch' || info.verb === 'update');
}

/**
 * An accepted deletion of a namespace means its end, and so does an answer that it is not found. An object made in it means that it lives, since admission
 * refuses creates in a namespace that is absent or terminating.
 */
function namespaceLifeOf(event: AuditEvent, info: RequestInfo): CountedRequest['namespaceLife'] {
  const isGone = isDeletionOfNamespace(event, info) || isNamespaceMissing(event, info);
  const change = isGone ? 'deleted' : madeObject(event, info) ? 'live' : undefined;
  if (change === undefined || isDryRun(event.requestURI)) return undefined;
  // The authorizer saw no name for a create of a namespace; the objectRef has it from the body.
  const namespace = isNamespace(info) && info.verb === 'create' ? createdName(event) : info.namespace;
  return namespace === '' ? undefined : { namespace, change };
}

function isNamespace(info: RequestInfo): boolean {
  return info.resource === 'namespaces' && info.apiGroup === '' && info.subresource === '';
}

function isDeletionOfNamespace(event: AuditEvent, info: RequestInfo): boolean {
  return info.verb === 'delete' && isNamespace(info) && event.code >= 200 && event.code <= 299;
}

/** The API server's own words, by which it means the core group's namespaces and no other resource of that name. */
function isNamespaceMissing(event: AuditEvent, info: RequestInfo): boolean {
  return event.code === 404 && event.statusMessage === `namespaces "${info.namespace}" not found`;
}

function madeObject(event: AuditEvent, info: RequestInfo): boolean {
  // Admission lets access reviews through in any namespace.
  if (event.code !== 201 || info.apiGroup === 'authorization.k8s.io') return false;
  return info.verb === 'create' || info.verb === 'patch' || info.verb === 'update';
}

function createdName(event: AuditEvent): string {
  return withoutNul(event.objectRef?.name ?? '');
}
