import type { PolicyRule } from '@leastwise/rbac';

import type { CombinationCheck, GrantCheck } from '../checks/check.ts';
import { type Grant, type IndexedRule, indexRules } from './grants.ts';
import type { ProfileSettings, RoleProfile } from './model.ts';

/** Profiles of roles. Equal rules have the same one. */
export interface ProfileBook {
  /** The checks behind the grants of a profile, by id. */
  readonly grantChecks: ReadonlyMap<string, GrantCheck>;
  profileOf(rules: readonly PolicyRule[], settings: ProfileSettings): RoleProfile;
}

const NO_GRANTS: RoleProfile = { grants: new Map(), parts: new Map() };

/** What is found in any of the rules: mostly nothing, and then nothing is made. */
function findIn(
  rules: readonly IndexedRule[],
  find: (rule: IndexedRule) => readonly Grant[],
): readonly Grant[] {
  let found: Grant[] | undefined;
  for (const rule of rules) {
    const grants = find(rule);
    if (grants.length > 0) (found ??= []).push(...grants);
  }
  return found ?? [];
}

function partsOf(
  check: CombinationCheck,
  rules: readonly IndexedRule[],
  settings: ProfileSettings,
): ReadonlyMap<string, readonly Grant[]> {
  const found = new Map<string, readonly Grant[]>();
  for (const part of check.parts) {
    const grants = findIn(rules, (rule) => part.find(rule, settings));
    if (grants.length > 0) found.set(part.name, grants);
  }
  return found;
}

function makeProfile(
  rules: readonly PolicyRule[],
  settings: ProfileSettings,
  { grantChecks, combinations }: ProfileChecks,
): RoleProfile {
  if (rules.length === 0) return NO_GRANTS;
  const indexed = indexRules(rules);
  const grants = new Map<string, readonly Grant[]>();
  for (const check of grantChecks) {
    const found = findIn(indexed, (rule) => check.find(rule, settings));
    // Whoever may do everything may do each of the rest: that is told once.
    if (check.tellsEverything === true && found.some(({ apiGroup }) => apiGroup === '*')) {
      return { grants: wholeGrants(grantChecks, indexed, settings), parts: new Map() };
    }
    if (found.length > 0) grants.set(check.info.id, found);
  }
  const parts = new Map<string, ReadonlyMap<string, readonly Grant[]>>();
  for (const check of combinations) {
    const found = partsOf(check, indexed, settings);
    if (found.size > 0) parts.set(check.info.id, found);
  }
  return { grants, parts };
}

function wholeGrants(
  checks: readonly GrantCheck[],
  rules: readonly IndexedRule[],
  settings: ProfileSettings,
): ReadonlyMap<string, readonly Grant[]> {
  const whole = checks.filter(({ tellsEverything }) => tellsEverything === true);
  return new Map(whole.map((check) => [check.info.id, rules.flatMap((rule) => check.find(rule, settings))]));
}

/** The checks that look at roles. */
export interface ProfileChecks {
  readonly grantChecks: readonly GrantCheck[];
  readonly combinations: readonly CombinationCheck[];
}

/**
 * A book of profiles, which grows by one for each new list of rules, and is emptied when the settings change.
 * @param maxProfiles - it is emptied as well when it holds that many
 */
export function createProfileBook(checks: ProfileChecks, maxProfiles = 100_000): ProfileBook {
  let known = new Map<string, RoleProfile>();
  let knownFor = '';
  let lastSettings: ProfileSettings | undefined;
  return {
    grantChecks: new Map(checks.grantChecks.map((check) => [check.info.id, check])),
    profileOf(rules, settings) {
      // One audit asks for all of its roles with the same settings.
      const forSettings = settings === lastSettings ? knownFor : JSON.stringify(settings);
      if (forSettings !== knownFor || known.size >= maxProfiles) known = new Map();
      knownFor = forSettings;
      lastSettings = settings;
      const key = JSON.stringify(rules);
      const found = known.get(key);
      if (found !== undefined) return found;
      const profile = makeProfile(rules, settings, checks);
      known.set(key, profile);
      return profile;
    },
  };
}
