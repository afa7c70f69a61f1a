export { encodeSegment } from './encode-segment.ts';
export { escapeComment } from './escape-comment.ts';
export { markdownCode, markdownLink } from './escape-markdown.ts';
export { escapeTerminal } from './escape-terminal.ts';
export { clusterFolder, namespaceFolder, subjectFolder } from './folders.ts';
export { isGenerated, isGeneratedActivity, isMarkedGenerated } from './generated.ts';
export { InvariantError } from './invariant-error.ts';
export { policyReportPath, renderPolicyReport } from './render-policy-report.ts';
export type {
  ObservedPermission,
  PolicyReport,
  RefusedPermissions,
  RemarkedPermission,
  SubjectReport,
} from './policy-report.ts';
export { renderJson } from './render-json.ts';
export { kustomization, renderRepository } from './render-repository.ts';
export type { ClusterPolicies, SubjectPolicy } from './render-repository.ts';
export { renderYaml } from './render-yaml.ts';
export type { YamlComments } from './render-yaml.ts';
export { subjectName } from './subject-name.ts';
export { type FolderPolicy, renderFolder } from './render-folder.ts';
export * from './pull-request/index.ts';
export * from './findings/index.ts';
export { renderViolationIssue, type ViolationReport } from './violation-issue.ts';
export * from './activity/index.ts';
export { complianceReportPath, renderComplianceReport } from './compliance-report.ts';
export type { ComplianceReport, SubjectCompliance, UnusedGrant, UnusedOfBinding } from './compliance.ts';
