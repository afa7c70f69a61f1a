import { boxesOf, EVERYTHING } from '../../cover/box.ts';
import { coverageOf } from '../../cover/cover.ts';
import type { LintCheck } from '../check.ts';

/** Requests that no rule is about. */
export const W07: LintCheck = {
  id: 'W07',
  severity: 'warning',
  title: 'no rule for all other requests',
  remedy: 'end the policy with a rule that has a level only',
  find: ({ policy }) => {
    const boxes = policy.rules.flatMap(boxesOf);
    const isOpen = (kind: 'resource' | 'url'): boolean =>
      coverageOf({ ...EVERYTHING, kind }, boxes).verdict === 'open';
    const kinds = [isOpen('resource') ? 'resources' : '', isOpen('url') ? 'other URLs' : ''].filter(Boolean);
    if (kinds.length === 0) return [];
    return [
      {
        path: ['rules'],
        reason: `requests for ${kinds.join(' and for ')} that no rule matches are not logged`,
      },
    ];
  },
};
