import { describeCell, type SubjectPolicy, unseenNeeds, type Widening } from '@leastwise/rbac';

const MAX_LISTED = 20;

/** What each kind of widening means, for people. */
export const WIDENING_TEXT: Readonly<Record<Widening['kind'], string>> = {
  'names-collapsed': 'names are many or look generated',
  'names-overflow': 'names are too many to keep',
  'names-omitted': 'names are omitted',
  'names-merged': 'verbs share their names',
  'namespaces-expanded': 'seen in several namespaces',
  'names-expanded': 'seen on several names',
  'verbs-expanded': 'brought along by another verb',
  'cluster-scope': 'granted in all namespaces',
  'verb-wildcard': 'all standard verbs were seen',
  'deprecated-group': 'added for a group that was replaced',
  'namespace-group': 'share one role with all their rules',
};

function listed(title: string, lines: readonly string[]): string[] {
  const unique = [...new Set(lines)];
  if (unique.length === 0) return [];
  const rest = unique.length - MAX_LISTED;
  return [
    title,
    ...unique.slice(0, MAX_LISTED).map((line) => `  ${line}`),
    ...(rest > 0 ? [`  and ${String(rest)} more`] : []),
  ];
}

/**
 * What a reviewer must know of a policy besides its rules: what was withheld, cannot be rendered, was
 * widened. No counts of requests and no dates: these lines stand in manifests, which change only with
 * what they grant.
 * @param namespace - keep to what concerns this namespace (`''`: the cluster); all when `undefined`.
 */
export function policyNotes(policy: SubjectPolicy, namespace?: string): string[] {
  const here = policy.exceptions.filter(
    ({ cell }) => namespace === undefined || cell.namespace === namespace,
  );
  const of = (reason: string): string[] =>
    here
      .filter((each) => each.class === reason)
      .map(({ cell, detail }) => describeCell(cell) + (detail === '' ? '' : ` (${detail})`));
  const scope = namespace === '' ? ' in the cluster' : ` in ${namespace ?? ''}`;
  const widened = policy.widenings
    .filter(({ what }) => namespace === undefined || what.endsWith(scope) || !what.includes(' in '))
    .map(({ kind, what }) => `${what}: ${WIDENING_TEXT[kind]}`);
  return [
    ...(policy.isIncomplete
      ? ['INCOMPLETE: more rules were seen than are kept; this grants less than was needed.']
      : []),
    ...listed('Withheld, because the verb is special (--special-verbs Grant renders it):', of('withheld')),
    ...listed(
      'May also need what no audit log shows; grant it by hand:',
      unseenNeeds(policy.granted.map(({ cell }) => cell))
        .filter(({ cell }) => namespace === undefined || cell.namespace === namespace)
        .map(({ cell, needs }) => `${describeCell(cell)}: ${needs}`),
    ),
    ...listed('Left out, because the namespace was deleted, is missing, or is idle:', of('namespace-gone')),
    ...listed('Cannot be expressed as a rule:', of('unrenderable')),
    ...listed('Widened beyond what was observed:', widened),
  ];
}
