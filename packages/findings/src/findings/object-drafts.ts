import { ruleText } from '../access/grants.ts';
import type { AccessModel, BindingEntry, RoleEntry } from '../access/model.ts';
import type { BindingCheck, RoleCheck } from '../checks/check.ts';
import { objectText } from '../text.ts';
import type { GrantStep } from '../types.ts';
import { type Draft, wholeStep } from './draft.ts';

/** How somebody comes by rules of a role: each of its bindings, with each of the rules. */
function stepsTo({ reference, object, bindings }: RoleEntry, rules: readonly number[]): readonly GrantStep[] {
  return bindings.flatMap((binding) =>
    rules.flatMap((ruleIndex): readonly GrantStep[] => {
      const rule = object.rules[ruleIndex];
      if (rule === undefined) return [];
      return [{ binding: binding.reference, role: reference, ruleIndex, rule, grant: ruleText(rule) }];
    }),
  );
}

/** What the checks of roles tell; of Kubernetes' own, unchanged, nothing. */
export function roleDrafts(model: AccessModel, checks: readonly RoleCheck[]): readonly Draft[] {
  const ours = model.roles.filter(({ isAudited, isShipped }) => isAudited && !isShipped);
  return ours.flatMap((role) =>
    checks.flatMap((check): readonly Draft[] => {
      const remark = check.judge(role, model);
      if (remark === undefined) return [];
      const { namespace } = role.reference;
      return [
        {
          check: check.info.id,
          severity: remark.severity,
          message: `${objectText(role.reference)} ${remark.says}`,
          object: role.reference,
          ...(namespace === undefined ? {} : { namespace }),
          paths: stepsTo(role, remark.rules),
        },
      ];
    }),
  );
}

function bindingDraft(binding: BindingEntry, check: BindingCheck, model: AccessModel): readonly Draft[] {
  const { namespace } = binding.scope;
  return check.judge(binding, model).map(({ severity, says, subject }) => ({
    check: check.info.id,
    severity,
    message: `${objectText(binding.reference)} ${says}`,
    object: binding.reference,
    ...(subject === undefined ? {} : { subject }),
    ...(namespace === '' ? {} : { namespace }),
    paths: [wholeStep(binding)],
  }));
}

/** What the checks of bindings tell; of Kubernetes' own, unchanged, nothing. */
export function bindingDrafts(model: AccessModel, checks: readonly BindingCheck[]): readonly Draft[] {
  const ours = model.bindings.filter(({ isAudited, isShipped }) => isAudited && !isShipped);
  return ours.flatMap((binding) => checks.flatMap((check) => bindingDraft(binding, check, model)));
}
