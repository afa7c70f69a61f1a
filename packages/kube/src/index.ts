export { openCluster } from './cluster.ts';
export { KubeError, type KubeFailure } from './kube-error.ts';
export type { OpenClusterOptions } from './kubeconfig.ts';
export {
  applyPolicyReports,
  type ApplyOptions,
  type ReportOutcome,
} from './policy-report/apply-policy-reports.ts';
export { DEFAULT_REPORT_NAMESPACE } from './policy-report/names.ts';
export { policyReportObject, type PolicyReportInput } from './policy-report/policy-report-object.ts';
export type { ComplianceSeverity, SubjectPolicyReport } from './policy-report/types.ts';
export type { Cluster, KubeAnswer, KubeRequest } from './request.ts';
export type { Waiting } from './waiting.ts';
