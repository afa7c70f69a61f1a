import { shadows } from '../lint/checks/w01-shadowed.ts';
import type { RecordedRequest } from '../simulate/request.ts';
import { perDay, PolicySimulation } from '../simulate/simulate.ts';
import type { AuditPolicy } from '../types.ts';
import { detectionVisibility } from '../visibility.ts';
import { type CommentedRule, policyOf, type PolicyPreset, PRESET_RULES } from './presets.ts';
import { reducedSteps, REDUCTIONS } from './reductions.ts';
import { renderPolicy } from './render-policy.ts';

/** A policy that was written for somebody, and what it costs. */
export interface GeneratedPolicy {
  readonly policy: AuditPolicy;
  /** The policy as YAML, with a comment above each rule and what is left out at its head. */
  readonly yaml: string;
  /** What cannot be known under it, for people. */
  readonly leftOut: readonly string[];
  /** Names of the reductions that were taken to keep within a budget. */
  readonly reductions: readonly string[];
  /** About how much it logs in a day of the log that it was tuned by. */
  readonly bytesPerDay: number | undefined;
}

/** The policy of a preset. */
export function generatePolicy(preset: PolicyPreset): GeneratedPolicy {
  return generated(PRESET_RULES[preset], []);
}

/** Finds how much of a preset a budget allows, by the requests of a log. */
export class BudgetTuning {
  readonly #steps: readonly (readonly CommentedRule[])[];
  readonly #simulations: readonly PolicySimulation[];

  constructor(preset: PolicyPreset) {
    this.#steps = reducedSteps(PRESET_RULES[preset]);
    this.#simulations = this.#steps.map((rules) => new PolicySimulation(policyOf(rules)));
  }

  /** Counts a request of the log. */
  add(request: RecordedRequest): void {
    for (const simulation of this.#simulations) simulation.add(request);
  }

  /**
   * The policy with as few reductions as keep it within the budget, and without those of them that save nothing in
   * this log; with all of them where that is not enough, as `bytesPerDay` then tells.
   */
  choose(budgetBytesPerDay: number): GeneratedPolicy {
    const costs = this.#simulations.map((each) => {
      const { total, span } = each.result();
      return perDay(total.bytes, span);
    });
    const enough = costs.findIndex((cost) => cost <= budgetBytesPerDay);
    const steps = enough < 0 ? costs.length - 1 : enough;
    const taken = REDUCTIONS.slice(0, steps).filter((_, i) => (costs[i + 1] ?? 0) < (costs[i] ?? 0));
    const rules = taken.reduce<readonly CommentedRule[]>(
      (all, { apply }) => apply(all),
      this.#steps[0] ?? [],
    );
    return generated(
      rules,
      taken.map(({ id }) => id),
      costs[steps],
    );
  }
}

function generated(
  all: readonly CommentedRule[],
  reductions: readonly string[],
  bytesPerDay?: number,
): GeneratedPolicy {
  const reached = shadows(policyOf(all));
  const rules = all.filter((_, i) => reached[i]?.verdict !== 'covered');
  const policy = policyOf(rules);
  const leftOut = [...rules.flatMap(({ hides }) => hides ?? []), ...blindDetections(policy)];
  return { policy, yaml: renderPolicy(rules, leftOut), leftOut, reductions, bytesPerDay };
}

function blindDetections(policy: AuditPolicy): string[] {
  return detectionVisibility(policy).flatMap(({ need, sight }) => {
    if (sight === 'full') return [];
    const extent = sight === 'blind' ? 'sees nothing' : 'sees only a part';
    return [
      `${need.id} (${need.title}) ${extent}${need.level === 'Metadata' ? '' : `: it needs ${need.level}`}`,
    ];
  });
}
