export { type AccessQuestion, isAllowed } from './access-review.ts';
export { openCluster } from './cluster.ts';
export { type ClusterSetting, clusterSettingProblem } from './cluster-setting.ts';
export { textAt, valueAt } from './json-value.ts';
export { KUBE_FAILURES, KubeError, type KubeFailure } from './kube-error.ts';
export type { OpenClusterOptions } from './kubeconfig.ts';
export {
  applyPolicyReports,
  type ApplyOptions,
  type ReportOutcome,
} from './policy-report/apply-policy-reports.ts';
export { DEFAULT_REPORT_NAMESPACE, isNamespaceName } from './policy-report/names.ts';
export { policyReportObject, type PolicyReportInput } from './policy-report/policy-report-object.ts';
export type { ComplianceSeverity, SubjectPolicyReport } from './policy-report/types.ts';
export { REPORTS_PATH } from './policy-report/existing-reports.ts';
export type { Cluster, KubeAnswer, KubeRequest } from './request.ts';
export { REAL_WAITING, type Waiting } from './waiting.ts';
export type { KubeResult, WatchableCluster } from './request.ts';
export { keyOf, type KubeObject, toKubeObject } from './watch/kube-object.ts';
export { listObjects, type ListRequest, type ObjectList } from './watch/list-objects.ts';
export {
  type ObjectChange,
  WatchedObjects,
  type WatchListener,
  type WatchOptions,
} from './watch/watch-objects.ts';
export { applyObject, deleteExactly, type Sighting, type Writing } from './apply.ts';
export { type ClusterEvent, recordEvent } from './cluster-event.ts';
export { ClusterLease, type LeaseOptions } from './lease.ts';
export { RBAC_PATHS, type RbacKind, toRbacObject, toServiceAccount } from './rbac-object.ts';
export {
  keepViolations,
  type KeepOptions,
  type KeptViolations,
  VIOLATIONS_PATH,
  VIOLATIONS_QUERY,
} from './violation/keep-violations.ts';
export { type Standing, standingOf } from './violation/standing.ts';
export { type ViolationContext, violationName, violationObjects } from './violation/violation-object.ts';
export type * from './violation/types.ts';
