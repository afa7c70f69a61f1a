import type { Stage } from '@leastwise/audit-event';

import {
  AUDIT_STAGES,
  type AuditLevel,
  type AuditPolicy,
  type AuditRule,
  type GroupResources,
  type RequestAttributes,
} from '../types.ts';

/** What a policy does with a request. */
export interface PolicyMatch {
  /** The index of the rule that decides, from 0; `undefined` where none matches. */
  readonly rule: number | undefined;
  readonly level: AuditLevel;
  /** The stages that would be logged, as far as the request goes through them; none at level None. */
  readonly stages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/**
 * What an API server with this policy does with a request: the first rule that matches decides, its omitted stages
 * are added to those of the policy, and nothing is logged where no rule matches.
 * @see k8s.io/apiserver pkg/audit/policy/checker.go
 */
export function matchPolicy(policy: AuditPolicy, request: RequestAttributes): PolicyMatch {
  const index = policy.rules.findIndex((rule) => matchesRule(rule, request));
  const rule = policy.rules[index];
  const level = rule?.level ?? 'None';
  return {
    rule: rule === undefined ? undefined : index,
    level,
    stages: level === 'None' ? [] : loggedStages(policy, rule),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

/** The stages that a policy leaves in what a rule logs. */
export function loggedStages(policy: AuditPolicy, rule: AuditRule | undefined): Stage[] {
  return AUDIT_STAGES.filter(
    (stage) => !policy.omitStages.includes(stage) && !(rule?.omitStages.includes(stage) ?? false),
  );
}

/** Whether all conditions of a rule hold for a request. Everything is literal but what is said at the parts. */
export function matchesRule(rule: AuditRule, request: RequestAttributes): boolean {
  const { user } = request;
  if (rule.users.length > 0 && (user === undefined || !rule.users.includes(user.username))) return false;
  if (rule.userGroups.length > 0 && !(user?.groups ?? []).some((group) => rule.userGroups.includes(group)))
    return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(request.verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return matchesResource(rule, request);
  if (rule.nonResourceURLs.length > 0) return matchesURL(rule, request);
  return true;
}

function matchesURL(rule: AuditRule, { isResourceRequest, path }: RequestAttributes): boolean {
  return !isResourceRequest && rule.nonResourceURLs.some((spec) => matchesPath(spec, path));
}

/** `*`, the path itself, or a prefix of it before a trailing `*`. */
export function matchesPath(spec: string, path: string): boolean {
  if (spec === '*' || spec === path) return true;
  return spec.endsWith('*') && path.startsWith(spec.replace(/\*+$/, ''));
}

function matchesResource(rule: AuditRule, request: RequestAttributes): boolean {
  if (!request.isResourceRequest) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(request.namespace)) return false;
  return rule.resources.length === 0 || rule.resources.some((each) => matchesGroup(each, request));
}

function matchesGroup({ group, resources, resourceNames }: GroupResources, request: RequestAttributes) {
  if (group !== request.apiGroup && group !== '*') return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(request.name)) return false;
  return resources.some((spec) => matchesResourceSpec(spec, request));
}

/**
 * `*` is everything, `*`+`/sub` that subresource of anything. `r/*` is any subresource of r and, although it is
 * documented otherwise, r itself.
 */
function matchesResourceSpec(spec: string, { resource, subresource }: RequestAttributes): boolean {
  if (spec === '*') return true;
  if (spec === (subresource === '' ? resource : `${resource}/${subresource}`)) return true;
  if (subresource !== '' && spec.startsWith('*/') && spec.slice(2) === subresource) return true;
  return spec.endsWith('/*') && spec.slice(0, -2) === resource;
}
