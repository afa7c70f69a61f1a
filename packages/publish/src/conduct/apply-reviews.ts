import { type BranchCommit, ForgeError, LeaseLostError } from '../review.ts';
import type { PullRequest, PullRequests, Remote } from '../review.ts';
import { PublishError } from '../types.ts';
import type { ReviewAction, ReviewPlan } from './review-plan.ts';

/** The calls that change something; a process may end before any of them. */
export type ReviewStep = 'push' | 'open' | 'update' | 'mark' | 'close' | 'remove-branch' | 'comment';

/** Where a plan is carried out. */
export interface ReviewPorts {
  readonly remote: Remote;
  /** `undefined` for a remote without pull requests. */
  readonly pulls: PullRequests | undefined;
  /** Awaited before each step; what it throws ends everything there, as a kill would. */
  readonly onStep?: (step: ReviewStep, branch: string) => Promise<void> | void;
}

/** What came of one action. */
export interface ReviewOutcome {
  readonly action: ReviewAction;
  /**
   * - `done`: it is as planned; for `leave`: left.
   * - `lease-lost`: somebody else pushed meanwhile; the next run looks again.
   * - `failed`: `error` says why.
   * - `dropped`: what it builds on was not done.
   * - `not-tried`: an earlier failure would have met it too.
   */
  readonly result: 'done' | 'lease-lost' | 'failed' | 'dropped' | 'not-tried';
  readonly error?: ForgeError | LeaseLostError | PublishError;
  /** What `push` made. */
  readonly commit?: string;
  /** What `open` opened. */
  readonly pull?: PullRequest;
  /** Of `open`: whom the forge did not accept. */
  readonly refusedReviewers?: readonly string[];
}

type Details = Pick<ReviewOutcome, 'commit' | 'pull' | 'refusedReviewers'>;

/**
 * Carries out a plan, action by action. What fails drops what follows for the same branch and no more; only where the
 * forge cannot be reached, knows us not, or asks to wait, the rest is not tried. Each step is one outcome, so after a
 * kill anywhere a new look, plan and run end in the same place.
 * @returns an outcome for each action, in their order.
 * @throws what `onStep` throws, and what no port promises to throw.
 */
export async function applyReviews(plan: ReviewPlan, ports: ReviewPorts): Promise<readonly ReviewOutcome[]> {
  const steps = new Steps(ports);
  const outcomes: ReviewOutcome[] = [];
  const dropped = new Set<string>();
  let isOver = false;
  for (const action of plan.actions) {
    if (isOver || dropped.has(action.branch)) {
      outcomes.push({ action, result: isOver ? 'not-tried' : 'dropped' });
      continue;
    }
    const outcome = await steps.carryOut(action);
    outcomes.push(outcome);
    if (outcome.result !== 'done') dropped.add(action.branch);
    isOver = outcome.error instanceof ForgeError && isOfAll(outcome.error);
  }
  return outcomes;
}

/** Whether a failure would meet every other call too. */
function isOfAll({ failure }: ForgeError): boolean {
  return failure === 'unreachable' || failure === 'rate-limited' || failure === 'unauthorized';
}

class Steps {
  readonly #ports: ReviewPorts;
  /** What this run made of branches that several of its commits go to. */
  readonly #tips = new Map<string, string>();

  constructor(ports: ReviewPorts) {
    this.#ports = ports;
  }

  async carryOut(action: ReviewAction): Promise<ReviewOutcome> {
    let details: Details = {};
    for (const [step, act] of this.#stepsOf(action)) {
      // Outside of what is caught: a kill is no failure of the forge.
      await this.#ports.onStep?.(step, action.branch);
      try {
        details = (await act()) ?? details;
      } catch (error) {
        if (error instanceof LeaseLostError) return { action, result: 'lease-lost', error };
        if (error instanceof ForgeError || error instanceof PublishError) {
          return { action, result: 'failed', error };
        }
        throw error;
      }
    }
    return { action, result: 'done', ...details };
  }

  #stepsOf(action: ReviewAction): [ReviewStep, () => Promise<Details | undefined>][] {
    const { remote } = this.#ports;
    switch (action.action) {
      case 'push':
        return [['push', async () => ({ commit: await this.#push(action.commit) })]];
      case 'open':
        return [['open', () => this.#pulls().open(action.draft)]];
      case 'update':
        return [['update', quietly(() => this.#pulls().update(action.number, action.change))]];
      case 'remove-branch':
        return [['remove-branch', quietly(() => remote.remove(action.branch, action.expected))]];
      case 'close': {
        const { branch, number, body, expected } = action;
        return [
          ['mark', quietly(() => this.#pulls().update(number, { body }))],
          ['close', quietly(() => this.#pulls().close(number))],
          ...(expected === undefined
            ? []
            : [
                ['remove-branch', quietly(() => remote.remove(branch, expected))] satisfies [
                  ReviewStep,
                  unknown,
                ],
              ]),
        ];
      }
      case 'leave': {
        const { comment } = action;
        if (comment === undefined) return [];
        return [['comment', quietly(() => this.#pulls().comment(comment.number, comment))]];
      }
    }
  }

  async #push(planned: BranchCommit): Promise<string> {
    const tip = this.#tips.get(planned.branch);
    const commit = await this.#ports.remote.push(
      tip === undefined ? planned : { ...planned, parent: tip, expected: tip },
    );
    this.#tips.set(planned.branch, commit);
    return commit;
  }

  #pulls(): PullRequests {
    if (this.#ports.pulls === undefined) throw new PublishError('planned for a forge with pull requests');
    return this.#ports.pulls;
  }
}

function quietly(act: () => Promise<void>): () => Promise<undefined> {
  return () => act().then(() => undefined);
}
