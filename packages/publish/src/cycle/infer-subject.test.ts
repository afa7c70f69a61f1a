import {
  bootstrapDefaults,
  checkPolicy,
  DEFAULT_OPTIONS,
  emptyEvidence,
  NEWEST_KUBERNETES,
} from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { parseTeamFile, type TeamChoices } from '../team/index.ts';
import { TeamInference } from './infer-subject.ts';
import { asked, CART, clustersOf, refused } from './testing/states.ts';

const ALL = [
  ...asked(CART, [
    'get pods shop a',
    'get pods pay b',
    'list nodes',
    'use podsecuritypolicies pay p',
    'use podsecuritypolicies shop p',
  ]),
  ...refused(CART, ['delete pods shop', 'delete pods pay', 'delete nodes']),
];

function choicesOf(text: string): TeamChoices {
  const { choices } = parseTeamFile(`version: 1\n${text}`);
  if (choices === undefined) throw new Error('no choices');
  return choices;
}

function inferred(text: string) {
  const [cluster] = clustersOf(ALL);
  const [state] = cluster?.subjects.values() ?? [];
  if (cluster === undefined || state === undefined) throw new Error('nobody');
  state.denied.overflow = { ...emptyEvidence(), count: 5 };
  const found = new TeamInference(choicesOf(text), DEFAULT_OPTIONS).infer(state, cluster);
  return { ...found, state };
}

describe('a subject whose namespaces have different knobs', () => {
  const SPLIT = 'policies:\n  - namespaces: [pay]\n    specialVerbs: Grant\n';

  test('is inferred in parts, and what they find is told as if it were one', () => {
    const [whole, split] = [inferred(''), inferred(SPLIT)];
    expect(split.mismatches).toEqual([]);
    expect(split.policy.denied).toEqual(whole.policy.denied);
    expect(split.policy.deniedOverflow).toBe(5);
    const cells = (of: typeof whole) =>
      of.policy.granted.map(({ cell: { verb, namespace } }) => `${verb} ${namespace}`);
    expect(cells(whole)).toEqual(['get pay', 'get shop', 'list ']);
    expect(cells(split)).toEqual(['get pay', 'get shop', 'list ', 'use pay']);
    const withheld = split.policy.exceptions.filter((each) => each.class === 'withheld');
    expect(withheld.map(({ cell }) => cell.namespace)).toEqual(['shop']);
  });

  test('has a policy that keeps its promise as a whole', () => {
    const { policy, state, options } = inferred(SPLIT);
    expect(options.existing).toEqual(bootstrapDefaults(NEWEST_KUBERNETES));
    expect(checkPolicy(state, policy, options)).toEqual([]);
  });

  test('is inferred at once where all of them have the same', () => {
    const { policy } = inferred('policies:\n  - namespaces: [elsewhere]\n    specialVerbs: Grant\n');
    expect(policy).toEqual(inferred('').policy);
  });
});
