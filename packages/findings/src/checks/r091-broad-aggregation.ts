import type { LabelSelector } from '@leastwise/rbac';

import type { RoleCheck } from './check.ts';

/** Labels that are put on all kinds of objects for other reasons. */
const COMMON_LABEL = /^(app|component|tier|heritage|release|chart|helm\.sh\/.*|(app\.)?kubernetes\.io\/.*)$/;

/** Whether a selector takes in roles whose author did not think of it. */
function isBroad({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  const keys = [
    ...Object.keys(matchLabels),
    ...matchExpressions
      .filter(({ operator }) => operator === 'In' || operator === 'Exists')
      .map(({ key }) => key),
  ];
  return keys.every((key) => COMMON_LABEL.test(key));
}

/** Aggregation by a label that anybody uses, or by none. */
export const R091: RoleCheck = {
  kind: 'role',
  info: {
    id: 'R091',
    title: 'Aggregates roles by a broad selector',
    why: 'Its rights change with every ClusterRole that fits, without a change of this object that anybody reviews.',
    remedy: 'Select by a label that is made for this role.',
    severity: 'MEDIUM',
    peers: [],
  },
  judge: ({ object }) => {
    if (object.kind !== 'ClusterRole') return undefined;
    const selectors = object.aggregationRule?.clusterRoleSelectors ?? [];
    if (!selectors.some(isBroad)) return undefined;
    return {
      severity: 'MEDIUM',
      says: 'takes in roles by a selector that fits others than were made for it',
      rules: [],
    };
  },
};
