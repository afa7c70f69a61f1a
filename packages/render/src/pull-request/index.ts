export {
  type AfterMergeReport,
  type HeldReason,
  type RefusedAfterMerge,
  renderAfterMergeComment,
  renderHeldComment,
} from './comments.ts';
export {
  pullRequestOverflowPath,
  type PullRequestDocument,
  renderPullRequest,
} from './render-pull-request.ts';
export type {
  ObservationWindow,
  PullRequestReport,
  RefusedRule,
  RemovedPermission,
  RepositoryLinks,
  ReviewControls,
  RiskFinding,
  RuleChange,
  ScopedRule,
  Severity,
  SubjectChange,
  TextLimits,
} from './report.ts';
export { needsReviewer } from './risk-section.ts';
export {
  type BindingOrigin,
  type IssueDocument,
  renderRetirementIssue,
  type RetirableBinding,
  type RetirementReport,
} from './retirement.ts';
