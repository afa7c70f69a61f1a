export { applyReviews, type ReviewOutcome, type ReviewPorts, type ReviewStep } from './apply-reviews.ts';
export { type Look, lookAtEnded, lookAtReviews } from './look.ts';
export { planReviews } from './plan-reviews.ts';
export {
  BRANCH_PREFIX,
  branchOf,
  compareKeys,
  PROPOSAL_KINDS,
  type Proposal,
  type ProposalKey,
  type ProposalKind,
} from './proposal.ts';
export { STOP_LABEL } from './review-plan.ts';
export type {
  ConductSettings,
  LeaveReason,
  PullRequestState,
  ReviewAction,
  ReviewInput,
  ReviewPlan,
} from './review-plan.ts';
