import type { PolicyRule } from '@leastwise/rbac';

import { listed } from '../text.ts';
import { worstOf } from '../severity.ts';
import type { CheckInfo, FindingSeverity } from '../types.ts';
import type { RoleCheck } from './check.ts';

/** What is to be said of one rule. */
export interface RuleRemark {
  readonly severity: FindingSeverity;
  readonly says: string;
}

/** A check of how rules are written, whoever holds them. Roles that are Kubernetes' own work are left alone. */
export function ruleTextCheck(
  info: CheckInfo,
  judge: (rule: PolicyRule) => RuleRemark | undefined,
): RoleCheck {
  return {
    kind: 'role',
    info,
    judge: ({ object }) => {
      const remarks = object.rules.flatMap((rule, i) => {
        const remark = judge(rule);
        return remark === undefined ? [] : [{ ...remark, i }];
      });
      const severity = worstOf(remarks.map((each) => each.severity));
      if (severity === undefined) return undefined;
      const says = listed(
        remarks.map(({ i, says: each }) => `rule ${i + 1} ${each}`),
        { separator: '; ' },
      );
      return { severity, says, rules: remarks.map(({ i }) => i) };
    },
  };
}
