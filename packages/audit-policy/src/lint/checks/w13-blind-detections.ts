import { describeRequest, detectionVisibility } from '../../visibility.ts';
import type { LintCheck, LintMatch } from '../check.ts';

/** Detections that this policy leaves without what they look at. */
export const W13: LintCheck = {
  id: 'W13',
  severity: 'warning',
  title: 'a detection cannot see what it needs',
  remedy: 'log these requests at the level that the detection needs, or do without it',
  find: ({ policy }) =>
    detectionVisibility(policy).flatMap(({ need, sight, missing }): LintMatch[] => {
      if (missing === undefined) return [];
      const { request, rule, why } = missing;
      const by = rule === undefined ? 'no rule matches' : `rule ${rule + 1}`;
      const extent = sight === 'blind' ? 'sees nothing' : 'sees only a part';
      const wants = need.level === 'Metadata' ? '' : `, and it needs ${need.level}`;
      const reason = `${need.id} (${need.title}) ${extent}: ${describeRequest(request)} ${why} (${by})${wants}`;
      return [
        {
          path: rule === undefined ? ['rules'] : ['rules', rule],
          ...(rule === undefined ? {} : { rule }),
          reason,
        },
      ];
    }),
};
