import type { Stage } from '@leastwise/audit-event';

/** How much of a request is logged, least first. */
export const AUDIT_LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
/** One of {@link AUDIT_LEVELS}. */
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** The stages of a request, in the order in which it goes through them. */
export const AUDIT_STAGES = [
  'RequestReceived',
  'ResponseStarted',
  'ResponseComplete',
  'Panic',
] as const satisfies readonly Stage[];

/** What a level is worth: a higher number logs more. */
export function levelRank(level: AuditLevel): number {
  return AUDIT_LEVELS.indexOf(level);
}

/** Resources of one API group in a rule. */
export interface GroupResources {
  /** `''` is core; `*` is every group, from Kubernetes 1.36. */
  readonly group: string;
  /** Empty: the whole group, subresources included. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** A rule of an audit policy; an empty list is no condition. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly Stage[];
  /** `undefined`: what the policy says. */
  readonly omitManagedFields: boolean | undefined;
}

/** An audit policy as the API server sees it: the first rule that matches decides. */
export interface AuditPolicy {
  readonly omitStages: readonly Stage[];
  /** `undefined` where the policy does not say, which is `false`. */
  readonly omitManagedFields: boolean | undefined;
  readonly rules: readonly AuditRule[];
}

/** Keys and indices from the root of a policy. */
export type PolicyPath = readonly (string | number)[];

/** A policy with the place that it was read from. */
export interface SourcedPolicy {
  readonly policy: AuditPolicy;
  readonly apiVersion: string;
  readonly file: string;
  /** Where in its document it was found, such as `data.policy.yaml`; `''` where it is the document. */
  readonly within: string;
  /** The line of a field in the file, from 1, or of what is nearest above it. */
  readonly lineOf: (path: PolicyPath) => number;
}

/** Why an API server would refuse a policy, or quietly read another one than is written. */
export interface PolicyProblem {
  /** E01: it would not start. E02: an unknown or repeated field, which it ignores. */
  readonly id: 'E01' | 'E02';
  readonly file: string;
  readonly line: number;
  /** For people; text of the file in it is quoted and cut. */
  readonly reason: string;
}

/** Who a request came from: the authenticated user, never the impersonated one. */
export interface Requester {
  readonly username: string;
  readonly groups: readonly string[];
}

/** What rules look at. */
export interface RequestAttributes {
  /** `undefined` where authentication failed. */
  readonly user: Requester | undefined;
  readonly verb: string;
  readonly isResourceRequest: boolean;
  readonly apiGroup: string;
  /** Without its subresource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a non-resource request, without query. */
  readonly path: string;
}
