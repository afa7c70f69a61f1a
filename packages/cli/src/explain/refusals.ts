import {
  type Cell,
  createAuthorizer,
  createInference,
  type ClusterState,
  EXACT_PRESET,
  type ExceptionClass,
  type PolicyOptions,
  type PolicyRule,
  type SubjectPolicy,
  type SubjectState,
} from '@leastwise/rbac';
import { impliedGroups } from '@leastwise/audit-event';

import type { SeenPermission, SeenTeller } from './seen.ts';

/** The rule that would allow what was refused, and where it belongs. */
export interface Remedy {
  readonly kind: 'Role' | 'ClusterRole';
  /** `''` for a ClusterRole. */
  readonly namespace: string;
  readonly rule: PolicyRule;
}

/** What was asked and refused. Nothing of it is granted. */
export interface ToldRefusal extends SeenPermission {
  /** `null` where no rule may or can allow it, or none is needed. */
  readonly remedy: Remedy | null;
  /** Why there is no remedy, or what to think of before it is granted; `''` where there is nothing to say. */
  readonly remark: string;
}

/** For people, by what the same request would be if it had been allowed. */
const REMARKS: Readonly<Partial<Record<ExceptionClass, string>>> = {
  withheld: 'the verb is special: it gives more than it seems to',
  'granted-by-default': 'everybody is granted this by default in this version of Kubernetes',
  'outside-retention': 'asked before the retention only',
  'namespace-gone': 'the namespace was deleted, or is idle',
};
const NO_REMEDY: readonly ExceptionClass[] = ['granted-by-default', 'unrenderable'];

function keyOf({ verb, apiGroup, resource, namespace, name, path }: Cell): string {
  return JSON.stringify([verb, apiGroup, resource, namespace, name, path]);
}

/**
 * What a subject was refused, most often first, each with the rule that would cure it. The same guardrails hold as for
 * any policy: what may not be granted or cannot be expressed has none.
 */
export function toldRefusals(
  state: SubjectState,
  policy: Pick<SubjectPolicy, 'denied' | 'objects'>,
  { cluster, options, teller }: RefusalContext,
): ToldRefusal[] {
  const judged = judgedAsAllowed(state, cluster, options);
  const granted = createAuthorizer(policy.objects);
  return policy.denied.map(({ cell, evidence }) => {
    const exception = judged.get(keyOf(cell));
    const asked = { subject: state.subject, groups: impliedGroups(state.subject), permission: cell };
    const isGranted = granted.authorize(asked).allowed;
    const isCurable = !isGranted && (exception === undefined || !NO_REMEDY.includes(exception.class));
    return {
      permission: cell,
      seen: teller.tell(evidence),
      remedy: isCurable ? remedyOf(cell) : null,
      remark: isGranted ? 'the rules above allow it: it was allowed at other times' : remarkOf(exception),
    };
  });
}

/** What refusals are judged with. */
export interface RefusalContext {
  readonly cluster: ClusterState;
  readonly options: PolicyOptions;
  readonly teller: SeenTeller;
}

type Judged = SubjectPolicy['exceptions'][number];

function remarkOf(exception: Judged | undefined): string {
  if (exception === undefined) return '';
  if (exception.class === 'unrenderable') return `no rule can allow it: ${exception.detail}`;
  return REMARKS[exception.class] ?? '';
}

/** What would be said of the refused requests if they had been allowed, by {@link keyOf} their cells. */
function judgedAsAllowed(
  state: SubjectState,
  cluster: ClusterState,
  options: PolicyOptions,
): Map<string, Judged> {
  const infer = createInference({
    ...options,
    ...EXACT_PRESET,
    includeDenied: false,
    includeOtherAuthorizers: true,
    specialVerbs: 'Withhold',
  });
  const asked = { ...state, allowed: state.denied, denied: { rules: new Map(), overflow: undefined } };
  return new Map(infer(asked, cluster).exceptions.map((each) => [keyOf(each.cell), each]));
}

function remedyOf({ verb, apiGroup, resource, namespace, name, path }: Cell): Remedy {
  const kind = namespace === '' ? 'ClusterRole' : 'Role';
  if (resource === '') return { kind, namespace, rule: { nonResourceURLs: [path], verbs: [verb] } };
  const names = name === '' ? {} : { resourceNames: [name] };
  return { kind, namespace, rule: { apiGroups: [apiGroup], resources: [resource], ...names, verbs: [verb] } };
}
