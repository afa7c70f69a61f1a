import { cellsOfRule, classify, existingRbac } from './classify.ts';
import { cellKey } from './grant.ts';
import { buildObjects } from './objects.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell, SubjectPolicy } from './policy.ts';
import type { ClusterState, Evidence, SubjectState } from './types.ts';
import { widen, widenOutlived } from './widen.ts';

const MAX_DENIED = 50;

function deniedOf(state: SubjectState): Pick<SubjectPolicy, 'denied' | 'deniedOverflow'> {
  const all: { cell: Cell; evidence: Evidence }[] = [];
  let beyond = state.denied.overflow?.count ?? 0;
  for (const rule of state.denied.rules.values()) {
    for (const { cell, evidence } of cellsOfRule(rule, 'denied')) all.push({ cell, evidence });
    beyond += rule.overflow?.count ?? 0;
  }
  all.sort((a, b) => b.evidence.count - a.evidence.count || (cellKey(a.cell) < cellKey(b.cell) ? -1 : 1));
  for (const { evidence } of all.slice(MAX_DENIED)) beyond += evidence.count;
  return { denied: all.slice(0, MAX_DENIED), deniedOverflow: beyond };
}

function inOrder<T extends { readonly cell: Cell }>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: cellKey(item.cell) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);
}

/** A function that infers policies under fixed options: what the options hold is prepared once. */
export type Inference = (state: SubjectState, cluster: ClusterState) => SubjectPolicy;

/**
 * Prepares the inference from observed permissions to roles and bindings.
 *
 * Promises, for every subject state: each observed cell is either allowed by the rendered objects or
 * among the exceptions; with all knobs at their strictest, each rendered cell was observed; the result
 * depends on nothing but its arguments.
 * @remarks Pure. Cost grows with the number of cells times its logarithm.
 */
export function createInference(options: PolicyOptions): Inference {
  const existing = existingRbac(options.existing);
  return (state, cluster) => {
    const classified = classify(state, cluster, existing, options);
    const widened = widen(classified.grants, options);
    const outlived = widenOutlived(classified.outlived, widened.grants, options);
    const built = buildObjects(state.subject, widened.grants, outlived.grants, options);
    const widenings = [classified, widened, outlived, built].flatMap((each) => each.widenings);
    return {
      cluster: cluster.cluster,
      subject: state.subject,
      objects: built.objects,
      ruleEvidence: built.ruleEvidence,
      granted: inOrder(widened.grants.map(({ evidence, ...cell }) => ({ cell, evidence }))),
      exceptions: inOrder(classified.exceptions),
      widenings: widenings.toSorted((a, b) => {
        const left = `${a.kind}\0${a.what}`;
        const right = `${b.kind}\0${b.what}`;
        return left === right ? a.replaced - b.replaced : left < right ? -1 : 1;
      }),
      isIncomplete: classified.isIncomplete,
      ...deniedOf(state),
    };
  };
}
