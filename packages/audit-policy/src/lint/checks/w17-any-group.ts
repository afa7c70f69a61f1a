import { inRules, type LintCheck } from '../check.ts';

/** `*` for a group, which is new. */
export const W17: LintCheck = {
  id: 'W17',
  severity: 'warning',
  title: 'group * needs Kubernetes 1.36',
  remedy: 'leave resources out where all groups are meant, or name the groups',
  find: (subject) =>
    inRules(subject, (rule, path) =>
      rule.resources.flatMap(({ group }, i) =>
        group === '*'
          ? [
              {
                path: [...path, 'resources', i, 'group'],
                reason: 'API servers before 1.36 do not start with group "*"',
              },
            ]
          : [],
      ),
    ),
};
