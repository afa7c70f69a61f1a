import { type Grant, grantsOfAny, type Target } from '../access/grants.ts';
import type { ProfileSettings } from '../access/model.ts';
import type { SeverityByScope } from '../access/scope.ts';
import { type CheckWords, type CombinationPart, type GrantCheck, infoOf } from './check.ts';

/** What a check on grants is made of. */
export interface GrantCheckParts {
  readonly targets: readonly Target[] | ((settings: ProfileSettings) => readonly Target[]);
  readonly severities: SeverityByScope;
  /** Rates a grant otherwise than its reach alone does; `undefined`: nothing to tell. */
  readonly rate?: GrantCheck['rate'];
}

/** A check that tells whoever is granted any of some permissions. */
export function grantCheck(words: CheckWords, { targets, severities, rate }: GrantCheckParts): GrantCheck {
  return {
    kind: 'grant',
    info: infoOf(words, severities),
    find: (rule, settings) => {
      return grantsOfAny(rule, typeof targets === 'function' ? targets(settings) : targets);
    },
    rate: rate ?? ((_, { kind }) => severities[kind]),
  };
}

/** A part of a combination that is any of some permissions. */
export function part(
  name: string,
  targets: readonly Target[],
  accepts?: CombinationPart['accepts'],
): CombinationPart {
  return {
    name,
    find: (rule) => grantsOfAny(rule, targets),
    ...(accepts === undefined ? {} : { accepts }),
  };
}

/** Whether a grant holds for objects of certain names only. */
export function isNamed({ names }: Grant): boolean {
  return names.length > 0;
}
