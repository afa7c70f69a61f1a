export type * from './types.ts';
export { FINDING_SEVERITIES } from './types.ts';
export { audit, type Auditor, catalogue, createAuditor } from './audit.ts';
export { renderCataloguePage } from './catalogue-page.ts';
export { MAX_PATHS } from './findings/finish.ts';
export type {
  AuditedServiceAccount,
  AuditedWorkload,
  AuditInput,
  AuditResult,
  KnownThings,
  UnusedPermission,
} from './input.ts';
export { ownersOf } from './violation-policy/match.ts';
export {
  MAX_POLICY_PROBLEMS,
  type ParsedPolicy,
  parseViolationPolicy,
  type PolicyProblem,
} from './violation-policy/parse-policy.ts';
export type {
  ForbiddenRole,
  ForbiddenSubject,
  NamespaceOwners,
  Provider,
  RestrictedNamespace,
  SubjectPattern,
  Suppression,
  ViolationPolicy,
  WorkloadResource,
} from './violation-policy/policy.ts';
export { DEFAULT_REVIEWED_AT_KEY, DEFAULT_VIOLATION_POLICY } from './violation-policy/policy.ts';
export type { PolicyReason } from './violation-policy/reader.ts';
export { severityRank } from './severity.ts';
export {
  decideRemediation,
  REFUSAL_REASONS,
  type RefusalReason,
  REMEDIATE_LABEL,
  remediableRules,
  type RemediationCase,
  type RemediationSettings,
  type RemediationVerdict,
} from './remediation/decide.ts';
