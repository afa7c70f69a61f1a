/** The stages of an audit event, as `audit.k8s.io` names them. */
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

/** Who a request came from, or on whose behalf, as the API server recorded it. */
export interface UserInfo {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** Extra attributes as [key, values] pairs, not as an object: keys are chosen by clients and may be `__proto__`. */
  readonly extra: readonly (readonly [key: string, values: readonly string[]])[];
}

/** The object an event says it was about. Filled from the body after authorization, so a fallback only. */
export interface ObjectRef {
  readonly apiGroup: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The fields of an audit event that policies rest on; bodies are not among them.
 * Absent strings are `''`, so that every event has the same shape.
 */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: Stage;
  /** As logged: path, then query, percent-encoded. `''` where the wire form has none (GKE). */
  readonly requestURI: string;
  /** As logged: `get`, `list`, `watch`, …; the lower-case method for non-resource requests. */
  readonly verb: string;
  readonly user: UserInfo;
  readonly impersonatedUser: UserInfo | undefined;
  readonly userAgent: string;
  readonly objectRef: ObjectRef | undefined;
  /** HTTP status; 0 where the event has none (RequestReceived). */
  readonly code: number;
  /** `responseStatus.message`, kept for 403 and 404 only; `''` otherwise. */
  readonly statusMessage: string;
  /** Microseconds since the epoch (UTC): when the API server received the request. */
  readonly receivedAtUs: number;
  /** Annotation `authorization.k8s.io/decision`: `allow`, `forbid`, or `''` where absent. */
  readonly decision: string;
  /** Annotation `authorization.k8s.io/reason`; `undefined` where absent, which is not the same as empty. */
  readonly reason: string | undefined;
  /** `authenticationMetadata.impersonationConstraint` (KEP-5284), `''` where absent. */
  readonly impersonationConstraint: string;
  /**
   * A token that events share only if they differ in nothing but `auditID` and `receivedAtUs`, and came with the same
   * cluster field through the same decoder; absent where nobody looked. What is made of such an event may be remembered
   * by it.
   */
  readonly shape?: Shape | undefined;
}

/** See {@link AuditEvent.shape}. */
export interface Shape {
  /**
   * A token that shapes share only if their events differ in nothing but the name of their `objectRef`, and in the
   * `requestURI` as much as it follows from the name; absent where nobody looked.
   */
  readonly pattern?: NamePattern;
}

/** A request URI, but for the name of the object, which is letters, digits, `-`, `.`, `:` and `_`. */
export interface NamePattern {
  readonly before: string;
  readonly after: string;
}

/**
 * An event that differs in nothing but `auditID` and `receivedAtUs` from one that was made before, as long as no event has
 * been made of it. One object serves them all: it is valid during the call that it is given to, and no longer.
 */
export interface Occurrence {
  /** As {@link AuditEvent.shape}. */
  readonly shape: Shape;
  readonly receivedAtUs: number;
  /** What the event stands in, from `start` up to `end`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Where the auditID stands: a byte of ASCII for each of its characters. */
  readonly auditIDStart: number;
  readonly auditIDEnd: number;
  /** Makes the event. */
  event(): AuditEvent;
}

/** Why a well-formed record is no evidence. A closed set: these become metric labels. */
export type SkipReason =
  | 'not-an-audit-event'
  | 'core-event'
  | 'admission-review'
  | 'gke-other-service'
  | 'other-log-stream'
  | 'blank'
  | 'filtered'
  | 'request-received'
  | 'unauthenticated'
  | 'impersonation-refused'
  | 'undecided'
  | 'throttled'
  | 'unattributable';

/** Why a record could not be read. A closed set: these become metric labels. */
export type BadReason =
  | 'invalid-json'
  | 'truncated'
  | 'too-large'
  | 'wrong-encoding'
  | 'invalid-yaml'
  | 'invalid-field'
  | 'no-timestamp'
  | 'future'
  | 'unknown-version'
  | 'invalid-compression';

/** What a decoder tells of the records it meets, in their order. */
export interface DecodeSink {
  /** `cluster` is the value of the operator's cluster field, `undefined` where there is none. */
  event(event: AuditEvent, cluster: string | undefined, line: number): void;
  /**
   * Where it is there, it is asked first about events that repeat: true is to say that the sink took it, and wants no
   * event. A sink that always says false hears the same events as one without it.
   */
  repeated?(occurrence: Occurrence, cluster: string | undefined): boolean;
  skipped(reason: SkipReason, line: number): void;
  /** `bytes` is the record as it came, valid during the call only. `detail` is for people; never a body. */
  bad(reason: BadReason, line: number, detail: string, bytes: Uint8Array): void;
}

/** Who RBAC binds: a user, a group or a service account. */
export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  /** Of a service account; `''` for users and groups. */
  readonly namespace: string;
  readonly name: string;
}

/**
 * What the authorizer was asked: one cell of RBAC. A resource request has a `resource` and no
 * `path`; a non-resource request has a `path` and nothing else but its verb.
 */
export interface Permission {
  readonly verb: string;
  readonly apiGroup: string;
  /** `pods` or, with a subresource, `pods/log`; `''` for a non-resource request. */
  readonly resource: string;
  /** `''` for cluster-scoped and all-namespace requests. */
  readonly namespace: string;
  /** The name the authorizer saw; `''` where it saw none. */
  readonly name: string;
  /** The URL path, without query, of a non-resource request; `''` otherwise. */
  readonly path: string;
}

/** A keyed 64-bit hash that is the same for every stage and copy of one request, in two unsigned 32-bit halves. */
export interface Identity {
  readonly hi: number;
  readonly lo: number;
}

/** What kind of program sent a request, by its own word (userAgent is self-reported). */
export type ClientKind =
  'kubectl' | 'helm' | 'gitops' | 'kubelet' | 'control-plane' | 'controller' | 'browser' | 'other';

/** A binding that the API server named as the one that allowed a request, with the role that it binds. */
export interface GrantingBinding {
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding';
  /** `''` for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly name: string;
  readonly roleKind: 'ClusterRole' | 'Role';
  readonly roleName: string;
}

/** A subject with what it needed for one request. */
export interface Need {
  readonly subject: Subject;
  readonly groups: readonly string[];
  /** What the authorizer was asked first, then what it was asked without a word in the log. */
  readonly permissions: readonly Permission[];
  /**
   * False where another authorizer allowed it (reason present, and empty or without `RBAC:`, or
   * granted to system:masters): RBAC needs no rule for it.
   */
  readonly viaRbac: boolean;
  /** The group that the reason names as granted, `''` where it names none. */
  readonly grantingGroup: string;
  /**
   * The binding that the reason names for the first of the permissions, the one that was asked; absent where it names
   * none. The authorizer stops at the first that allows, so another may allow the same and is never named.
   */
  readonly grantingBinding?: GrantingBinding | undefined;
}

/** One API call that the authorizer decided, after its stages are folded. */
export interface CountedRequest {
  readonly cluster: string;
  readonly identity: Identity;
  readonly auditID: string;
  readonly receivedAtUs: number;
  readonly outcome: 'allowed' | 'denied';
  readonly client: ClientKind;
  /** The subject that the request is attributed to (the impersonated one, if any). */
  readonly need: Need;
  /** What the real user needed to act as somebody else; allowed whatever the outcome of the request was. */
  readonly impersonation: Need | undefined;
  /** What the request says about a namespace's life; `undefined` where it says nothing. */
  readonly namespaceLife: { readonly namespace: string; readonly change: 'live' | 'deleted' } | undefined;
  /** As {@link AuditEvent.shape}: requests of one cluster that share it differ in identity, auditID and time only. */
  readonly shape?: Shape | undefined;
  /** Requests of one cluster that share it differ in identity, auditID, time, and the names in `need` only. */
  readonly pattern?: object | undefined;
}
