import {
  type CycleOutcome,
  ForgeError,
  type ForgeFailure,
  PromiseBrokenError,
  PublishError,
  TeamFileError,
} from '@leastwise/publish';

import { AuditPolicyError } from './audit-policies.ts';
import { ExistingRbacError } from './existing.ts';

/**
 * How cycles end; a closed set.
 *
 * - `done`: everything is as planned.
 * - `incomplete`: some action failed; the next cycle tries it again.
 * - `standby`: another publisher has the lease.
 * - `lease-lost`: it was ours and is not any more; nothing more was done.
 * - `outage`: the forge or the remote cannot be reached, or asks to wait.
 * - `unauthorized`: it does not let us in.
 * - `refused`: it does not do what we ask.
 * - `promise-broken`: a policy would break a promise; nothing was done.
 * - `team-file`: `leastwise.yaml` cannot be used; nothing was done.
 * - `existing-rbac`: what exists in the clusters cannot be read; nothing was done.
 * - `audit-policy`: the audit policy of a cluster cannot be read; nothing was done.
 * - `stopped`: we were told to end.
 */
export const CYCLE_OUTCOMES = [
  'done',
  'incomplete',
  'standby',
  'lease-lost',
  'outage',
  'unauthorized',
  'refused',
  'promise-broken',
  'team-file',
  'existing-rbac',
  'audit-policy',
  'stopped',
] as const;

/** One of {@link CYCLE_OUTCOMES}. */
export type CycleResult = (typeof CYCLE_OUTCOMES)[number];

/** A cycle that was ended between two of its steps. */
export class CycleEndedError extends Error {
  override readonly name = 'CycleEndedError';
  readonly code = 'LW_CYCLE_ENDED';
  readonly result: 'stopped' | 'lease-lost';
  constructor(result: 'stopped' | 'lease-lost') {
    super(result === 'stopped' ? 'told to stop' : 'the lease is lost');
    this.result = result;
  }
}

const OUTAGES: ReadonlySet<ForgeFailure> = new Set(['unreachable', 'rate-limited', 'conflict']);

/** What an error says of the cycle that it ended; `undefined` for what ends the process: the state's, and bugs. */
export function resultOfError(error: unknown): CycleResult | undefined {
  if (error instanceof CycleEndedError) return error.result;
  if (error instanceof PromiseBrokenError) return 'promise-broken';
  if (error instanceof TeamFileError) return 'team-file';
  if (error instanceof ExistingRbacError) return 'existing-rbac';
  if (error instanceof AuditPolicyError) return 'audit-policy';
  if (error instanceof ForgeError) return resultOfFailure(error.failure);
  return error instanceof PublishError ? 'refused' : undefined;
}

function resultOfFailure(failure: ForgeFailure): CycleResult {
  if (OUTAGES.has(failure)) return 'outage';
  return failure === 'unauthorized' ? 'unauthorized' : 'refused';
}

/** Every failure of the forge that a cycle met. */
export function forgeErrorsOf({ outcomes, failures }: CycleOutcome): ForgeError[] {
  return [...outcomes.flatMap(({ error }) => (error instanceof ForgeError ? [error] : [])), ...failures];
}

/** How a cycle ended that came to its end. What met all of its calls alike counts before single failures. */
export function resultOf(outcome: CycleOutcome): CycleResult {
  const failures = new Set(forgeErrorsOf(outcome).map(({ failure }) => failure));
  if (failures.has('unauthorized')) return 'unauthorized';
  if (failures.has('unreachable') || failures.has('rate-limited')) return 'outage';
  const isWhole = failures.size === 0 && outcome.outcomes.every(({ result }) => result === 'done');
  return isWhole ? 'done' : 'incomplete';
}

/**
 * Whether something waits only for a commit to the base that has been made now: commits that write the same file are
 * rendered one on top of the other.
 */
export function isUnfinished({ outcomes }: Pick<CycleOutcome, 'outcomes'>): boolean {
  const hasPushed = outcomes.some(({ action, result }) => action.action === 'push' && result === 'done');
  return hasPushed && outcomes.some(({ action }) => action.action === 'leave' && action.reason === 'overlap');
}
