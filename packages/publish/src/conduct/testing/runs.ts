import { applyReviews } from '../apply-reviews.ts';
import type { ReviewOutcome, ReviewPorts } from '../apply-reviews.ts';
import { lookAtEnded, lookAtReviews } from '../look.ts';
import { planReviews } from '../plan-reviews.ts';
import { PROPOSAL_KINDS } from '../proposal.ts';
import type { Proposal, ProposalKey } from '../proposal.ts';
import { type ConductSettings, type ReviewPlan, STOP_LABEL } from '../review-plan.ts';
import type { Files, PlannedChange } from '../../types.ts';
import { BASE, pullsOf, remoteOf, type World } from './world.ts';

export const SETTINGS: ConductSettings = {
  base: BASE,
  maxOpen: 3,
  stopLabel: STOP_LABEL,
  labels: ['leastwise'],
  directly: 'nothing',
};

export const KEYS: readonly ProposalKey[] = ['shop', 'Web.Team'].flatMap((group) =>
  PROPOSAL_KINDS.map((kind) => ({ cluster: 'prod', group, kind })),
);

/** For each of {@link KEYS} what its file is to hold; 0: whatever the base has. */
export type Wants = readonly number[];

/** What leads from the base to what is wanted: a file of its own for each key, and one that neighbours share. */
export function proposalsOf(wants: Wants, base: Files): Proposal[] {
  return KEYS.flatMap((key, index): Proposal[] => {
    const version = wants[index] ?? 0;
    const path = `policies/${index}`;
    const shared = `shared/${index >> 1}`;
    const line = `${index}\n`;
    const list = base.get(shared) ?? '';
    const changes: PlannedChange[] = [];
    if (version > 0 && base.get(path) !== `v${version}`) {
      changes.push({ action: 'write', path, content: `v${version}` });
      if (!list.includes(line)) changes.push({ action: 'write', path: shared, content: list + line });
    }
    return changes.length === 0 ? [] : [{ ...key, ...textsOf(index, version), changes }];
  });
}

function textsOf(index: number, version: number): Omit<Proposal, 'changes' | keyof ProposalKey> {
  return {
    fingerprint: `sha256:${index}-${version}`,
    title: `title of ${index}`,
    body: `| version |\n| --- |\n| ${version} |`,
    labels: ['rbac'],
    reviewers: ['@org/team'],
    commitMessage: `message of ${index} for ${version}`,
  };
}

export interface Run {
  readonly wants: Wants;
  readonly settings?: ConductSettings;
  /** A bare remote. */
  readonly isBare?: boolean;
  readonly onStep?: ReviewPorts['onStep'];
  /** Awaited between looking and acting. */
  readonly afterLook?: () => Promise<void>;
}

export interface Done {
  readonly plan: ReviewPlan;
  readonly outcomes: readonly ReviewOutcome[];
}

/** One whole cycle of a publisher. */
export async function publish(world: World, run: Run): Promise<Done> {
  const remote = remoteOf(world);
  const pulls = run.isBare === true ? undefined : pullsOf(world);
  const look = await lookAtReviews(remote, pulls);
  const base = look.remote.base === undefined ? new Map() : await remote.read(look.remote.base, []);
  const proposals = proposalsOf(run.wants, base);
  const open = look.open ?? [];
  const plan = planReviews({
    proposals,
    remote: look.remote,
    pulls: pulls && { open, ended: await lookAtEnded(proposals, open, pulls), limits: pulls.limits },
    settings: run.settings ?? SETTINGS,
  });
  await run.afterLook?.();
  const { onStep } = run;
  const outcomes = await applyReviews(plan, { remote, pulls, ...(onStep !== undefined && { onStep }) });
  return { plan, outcomes };
}
