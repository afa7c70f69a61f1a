import type { ResourceClass, VerbClass } from '../../classes.ts';

/** Fewer requests than this in a window are no spike, however rare they are. */
export const DEFAULT_MINIMUM = 20;

/** Of these, few do much. */
const BY_VERB: Readonly<Partial<Record<VerbClass, number>>> = {
  exec: 5,
  escalate: 5,
  'delete-collection': 5,
};
const BY_RESOURCE: Readonly<Partial<Record<ResourceClass, number>>> = {
  secrets: 10,
  tokens: 10,
  rbac: 10,
  certificates: 10,
  'api-extensions': 10,
};

/** The least number of requests in a window that can be a spike: lower where each of them weighs more. */
export function minimumFor(verb: VerbClass, resource: ResourceClass): number {
  return Math.min(BY_VERB[verb] ?? DEFAULT_MINIMUM, BY_RESOURCE[resource] ?? DEFAULT_MINIMUM);
}
