import { buildModel } from './access/build-model.ts';
import { createProfileBook } from './access/profile.ts';
import { CHECKS, COMBINATIONS, GRANT_CHECKS } from './checks/all.ts';
import type { Check } from './checks/check.ts';
import { combinationDrafts } from './findings/combination-drafts.ts';
import type { Draft } from './findings/draft.ts';
import { finish, KeyBook } from './findings/finish.ts';
import { grantDrafts } from './findings/grant-drafts.ts';
import { bindingDrafts, roleDrafts } from './findings/object-drafts.ts';
import { suppress } from './findings/suppress.ts';
import type { AuditInput, AuditResult } from './input.ts';
import type { CheckInfo } from './types.ts';

/** Audits again and again, and remembers what it knows of roles whose rules did not change. */
export interface Auditor {
  /** As {@link audit}: what it remembers changes no result. */
  audit(input: AuditInput): AuditResult;
}

function ofKind<K extends Check['kind']>(kind: K): readonly Extract<Check, { kind: K }>[] {
  return CHECKS.filter((check): check is Extract<Check, { kind: K }> => check.kind === kind);
}

/**
 * An auditor of its own: two of them share nothing.
 * @remarks Pure but for what it remembers, which is bounded.
 */
export function createAuditor(): Auditor {
  const book = createProfileBook({ grantChecks: GRANT_CHECKS, combinations: COMBINATIONS });
  const keys = new KeyBook();
  return {
    audit(input) {
      const model = buildModel(input, book);
      const drafts: readonly Draft[] = [
        ...grantDrafts(model, book.grantChecks),
        ...combinationDrafts(model, COMBINATIONS),
        ...roleDrafts(model, ofKind('role')),
        ...bindingDrafts(model, ofKind('binding')),
      ];
      const surveyed = ofKind('survey').flatMap((check) => check.judge(model, drafts));
      const findings = finish([...drafts, ...surveyed], keys);
      const isAudited = ({ isAudited: is }: { readonly isAudited: boolean }): boolean => is;
      return {
        ...suppress(findings, model.policy.suppressions, input),
        scanned: {
          bindings: model.bindings.filter(isAudited).length,
          roles: model.roles.filter(isAudited).length,
        },
      };
    },
  };
}

/**
 * Tells what is dangerous about roles, bindings and what hangs on them: of each subject over all its bindings, by what
 * the authorizer would allow. The result is the same for any order of the objects. Kubernetes' own roles and
 * bindings have no findings as long as nobody changed them.
 * @remarks Pure. Linear in bindings and their subjects; each distinct list of rules is looked at once.
 */
export function audit(input: AuditInput): AuditResult {
  return createAuditor().audit(input);
}

/** What there is to know of each check, by id. */
export function catalogue(): readonly CheckInfo[] {
  const byId = new Map(CHECKS.map(({ info }) => [info.id, info]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
