import type { Subject } from '@leastwise/audit-event';

import type { Grant, IndexedRule } from '../access/grants.ts';
import type { AccessModel, BindingEntry, ProfileSettings, RoleEntry } from '../access/model.ts';
import type { Scope, SeverityByScope } from '../access/scope.ts';
import type { Draft } from '../findings/draft.ts';
import type { CheckInfo, FindingSeverity } from '../types.ts';

/** A {@link CheckInfo} as a check's file gives it; what follows from its severities is added. */
export type CheckWords = Omit<CheckInfo, 'severity' | 'severities'>;

/** Finds grants, by rule, and rates each by where it holds. */
export interface GrantCheck {
  readonly kind: 'grant';
  readonly info: CheckInfo;
  /** What it finds is all there is: nothing else is told of such a role. */
  readonly tellsEverything?: true;
  find(rule: IndexedRule, settings: ProfileSettings): readonly Grant[];
  /** `undefined`: nothing to tell there. */
  rate(grant: Grant, scope: Scope, model: AccessModel): FindingSeverity | undefined;
}

/** One of several grants that are dangerous together. */
export interface CombinationPart {
  readonly name: string;
  readonly find: (rule: IndexedRule, settings: ProfileSettings) => readonly Grant[];
  /** Whether a grant counts there; all do unless it is given. */
  readonly accepts?: (grant: Grant, scope: Scope, model: AccessModel) => boolean;
}

/** Finds subjects that hold several things at once, over all their bindings. */
export interface CombinationCheck {
  readonly kind: 'combination';
  readonly info: CheckInfo;
  readonly parts: readonly CombinationPart[];
  /** One of these suffices: all of the first held, none of the second. */
  readonly alternatives: readonly { readonly all: readonly string[]; readonly without?: readonly string[] }[];
  rate(scope: Scope): FindingSeverity | undefined;
}

/** What a check has to say of one role. */
export interface RoleRemark {
  readonly severity: FindingSeverity;
  /** What follows the role's name. */
  readonly says: string;
  /** The rules in question, from 0; none where it is not about rules. */
  readonly rules: readonly number[];
}

/** Judges what a role says, whoever is bound to it. */
export interface RoleCheck {
  readonly kind: 'role';
  readonly info: CheckInfo;
  judge(role: RoleEntry, model: AccessModel): RoleRemark | undefined;
}

/** What a check has to say of one binding. */
export interface BindingRemark {
  readonly severity: FindingSeverity;
  /** What follows the binding's name. */
  readonly says: string;
  /** Whom it is about; several remarks on one binding differ in it. */
  readonly subject?: Subject;
}

/** Judges what a binding says. */
export interface BindingCheck {
  readonly kind: 'binding';
  readonly info: CheckInfo;
  judge(binding: BindingEntry, model: AccessModel): readonly BindingRemark[];
}

/** Judges the whole. */
export interface SurveyCheck {
  readonly kind: 'survey';
  readonly info: CheckInfo;
  /** @param drafts - what the checks of all other kinds found, in no particular order */
  judge(model: AccessModel, drafts: readonly Draft[]): readonly Draft[];
}

/** One row of the catalogue. */
export type Check = GrantCheck | CombinationCheck | RoleCheck | BindingCheck | SurveyCheck;

/** What the catalogue says of a check whose severity depends on the reach only. */
export function infoOf(words: CheckWords, severities: SeverityByScope): CheckInfo {
  return { ...words, severity: severities.cluster, severities };
}
