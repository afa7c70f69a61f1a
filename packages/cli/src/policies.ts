import {
  type InferredPolicies,
  inferPolicies as inferOrThrow,
  PromiseBrokenError,
  type RefusedPolicy,
} from '@leastwise/publish';
import { subjectName } from '@leastwise/render';

import { CliError, EXIT } from './exit.ts';

const MAX_SHOWN = 20;

/**
 * Infers and proves the policies of the chosen subjects, in the order of clusters and subjects.
 * @throws CliError with exit code 3 where any policy would break a promise: then none is returned.
 */
export function inferPolicies(...of: Parameters<typeof inferOrThrow>): InferredPolicies {
  try {
    return inferOrThrow(...of);
  } catch (error) {
    if (error instanceof PromiseBrokenError) throw new CliError(error.message, EXIT.promise);
    throw error;
  }
}

/** Says who was left out and why; `undefined` where nobody was. */
export function refusalText({ refused }: InferredPolicies): string | undefined {
  if (refused.length === 0) return undefined;
  const shown = refused.slice(0, MAX_SHOWN).map((each) => `  ${refusalLine(each)}`);
  const rest = refused.length - shown.length;
  return [
    "policies were refused, because two subjects' would stand in one place; what was written of them before stays:",
    ...shown,
    ...(rest > 0 ? [`  and ${String(rest)} more`] : []),
    '  (in --generate-name, ${subject} tells subjects apart)',
  ].join('\n');
}

/** One subject that was left out, and why. */
export function refusalLine({ policy, cluster, reason }: RefusedPolicy): string {
  return `${subjectName(policy.subject)} in cluster ${cluster.cluster}: ${reason}`;
}
