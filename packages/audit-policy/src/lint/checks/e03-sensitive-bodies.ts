import { type Box, boxesOf, EVERYTHING, intersect } from '../../cover/box.ts';
import { coverageOf, newBudget } from '../../cover/cover.ts';
import { levelRank } from '../../types.ts';
import { inRules, type LintCheck } from '../check.ts';

const SENSITIVE: readonly (readonly [apiGroup: string, resource: string, subresource: string])[] = [
  ['', 'secrets', ''],
  ['', 'configmaps', ''],
  ['authentication.k8s.io', 'tokenreviews', ''],
  ['', 'serviceaccounts', 'token'],
];

/** Bodies of objects that hold credentials, as far as no earlier rule keeps them out. */
export const E03: LintCheck = {
  id: 'E03',
  severity: 'error',
  title: 'bodies of secrets, ConfigMaps or tokens are logged',
  remedy:
    'put a rule at level Metadata for secrets, configmaps, serviceaccounts/token and tokenreviews above it',
  find: (subject) => {
    const budget = newBudget();
    const all = subject.policy.rules.map(boxesOf);
    return inRules(subject, (rule, path, index) => {
      if (levelRank(rule.level) < levelRank('Request')) return [];
      const earlier = all.slice(0, index).flat();
      const isLogged = (box: Box): boolean => coverageOf(box, earlier, budget).verdict !== 'covered';
      const logged = SENSITIVE.filter((each) => within(all[index] ?? [], each).some(isLogged));
      if (logged.length === 0) return [];
      const names = logged.map(([, resource, sub]) => (sub === '' ? resource : `${resource}/${sub}`));
      const isToken = names.some((name) => name.includes('token'));
      const danger = isToken ? ': tokens can be used by whoever reads the log' : '';
      const reason = `level ${rule.level} logs bodies of ${names.join(', ')}${danger}`;
      return [{ path: [...path, 'level'], reason }];
    });
  },
};

/** The requests of boxes that are about one resource. */
function within(boxes: readonly Box[], [apiGroup, resource, subresource]: (typeof SENSITIVE)[number]): Box[] {
  const about: Box = {
    ...EVERYTHING,
    kind: 'resource',
    apiGroup: [apiGroup],
    resource: [resource],
    subresource: [subresource],
  };
  return boxes.flatMap((box) => intersect(box, about) ?? []);
}
