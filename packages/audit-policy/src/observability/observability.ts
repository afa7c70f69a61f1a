import type { Subject } from '@leastwise/audit-event';
import type { Cell, Sight, SightOf } from '@leastwise/rbac';

import { type Box, EVERYTHING, intersect } from '../cover/box.ts';
import { type Budget, coverageOf } from '../cover/cover.ts';
import {
  LONG_RUNNING_PATH,
  LONG_RUNNING_SUBRESOURCES,
  LONG_RUNNING_VERBS,
} from '../match/request-attributes.ts';
import type { AuditPolicy, SourcedPolicy } from '../types.ts';
import { requestsOf } from './requests-of.ts';
import { type RuleFor, rulesFor } from './rules-for.ts';

/** Why some requests of a subject are not in the log. */
export interface Hiding {
  /** The index of the rule that decides about them, from 0; `undefined`: no rule does. */
  readonly rule: number | undefined;
  /** Of the rule in its file, from 1; of the rules where none decides. */
  readonly line: number;
  /** For people, without text of the policy: `rule 3 of the audit policy (line 12) has level None`. */
  readonly reason: string;
  /** Whether the rule is about certain users or groups, not about everybody. */
  readonly isAboutSome: boolean;
}

/** Whether the use of a permission would have been logged. */
export interface GrantSight {
  readonly sight: Sight;
  /** The first reason why some of it would not; `undefined` iff all of it is logged. */
  readonly hiding: Hiding | undefined;
}

/** What a policy lets one see of one subject. */
export interface SubjectObservability {
  /** Whether nothing of what it may ask would be logged. */
  readonly isHidden: boolean;
  /** All reasons why some of its requests would not, by rules in their order. */
  readonly hiding: readonly Hiding[];
  /**
   * Whether the use of a permission by it would be logged, so that "not seen" means "not used": at level Metadata or
   * above, with the stage ResponseComplete, or for long-running requests ResponseStarted. `partly` where that holds for
   * some of the requests that may use it only, as of a wildcard. Where the rules are too many to tell within a bounded
   * time, what they may hide counts as hidden.
   *
   * @param cell - as a rule spells it, wildcards included; namespace `''` is the whole cluster
   * @param places - the namespaces of the requests, `''` for those without one; without it wherever the cell grants
   */
  sightOf(cell: Cell, places?: readonly string[]): GrantSight;
}

/**
 * What a policy lets one see of the subjects of its cluster. Pure; answers are kept, by what tells subjects apart.
 *
 * Judged are the requests that a subject makes itself: rules see the authenticated user, so that requests in which
 * somebody else impersonates it are logged as that one's are. Policies have no past here: this one is taken to have
 * been in force all along.
 */
export class PolicyObservability {
  readonly #source: SourcedPolicy;
  readonly #known = new Map<string, SubjectObservability>();

  constructor(source: SourcedPolicy) {
    this.#source = source;
  }

  /** For the score: {@link SubjectObservability.sightOf} of a subject, without the reasons. */
  readonly sightOf = (subject: Subject): SightOf => {
    const own = this.of(subject);
    return (cell, places) => own.sightOf(cell, places).sight;
  };

  /** What is seen of a subject. Its groups are those that it is in for certain; it may be in any other that it could be in. */
  of(subject: Subject): SubjectObservability {
    const rules = rulesFor(subject, this.#source.policy);
    const key = JSON.stringify(rules.map(({ index, users, userGroups }) => [index, users, userGroups]));
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = new Observing(this.#source, rules);
    this.#known.set(key, made);
    return made;
  }
}

/** Requests whose outcome is in the stage ResponseStarted, too. */
const LONG_RUNNING: readonly Box[] = [
  { ...EVERYTHING, verb: LONG_RUNNING_VERBS },
  { ...EVERYTHING, kind: 'resource', subresource: LONG_RUNNING_SUBRESOURCES },
  { ...EVERYTHING, kind: 'url', path: [`${LONG_RUNNING_PATH}*`] },
];
/** For one question: far beyond what rules that a person wrote need, and less than a second. */
const MAX_STEPS = 1_000_000;
/** Stands for all names and namespaces that no rule mentions; nothing is called that. */
const UNMENTIONED = '\0';

interface Found {
  isLogged: boolean;
  readonly hidingRules: Set<number | undefined>;
}

class Observing implements SubjectObservability {
  readonly isHidden: boolean;
  readonly hiding: readonly Hiding[];
  readonly #source: SourcedPolicy;
  readonly #rules: readonly RuleFor[];
  readonly #names: ReadonlySet<string>;
  readonly #namespaces: ReadonlySet<string>;
  readonly #sights = new Map<string, GrantSight>();

  constructor(source: SourcedPolicy, rules: readonly RuleFor[]) {
    this.#source = source;
    this.#rules = rules;
    const { policy } = source;
    this.#names = new Set(
      policy.rules.flatMap((rule) => rule.resources.flatMap((each) => each.resourceNames)),
    );
    this.#namespaces = new Set(policy.rules.flatMap(({ namespaces }) => namespaces));
    const { isLogged, hidingRules } = judge([EVERYTHING], rules);
    this.isHidden = !isLogged;
    this.hiding = [...hidingRules].map((rule) => hidingOf(rule, source));
  }

  sightOf(asked: Cell, places?: readonly string[]): GrantSight {
    // What no rule mentions is all the same to them, so that the answers are as few as the policy has words.
    const alike = (known: ReadonlySet<string>, value: string): string =>
      value === '' || known.has(value) ? value : UNMENTIONED;
    const name = alike(this.#names, asked.name);
    const cell = { ...asked, name, namespace: alike(this.#namespaces, asked.namespace) };
    const at = places?.map((place) => alike(this.#namespaces, place));
    const key = JSON.stringify([cell, at]);
    const known = this.#sights.get(key);
    if (known !== undefined) return known;
    const { isLogged, hidingRules } = judge(requestsOf(cell, at), this.#rules);
    const [first] = hidingRules;
    const sight: GrantSight =
      hidingRules.size === 0
        ? { sight: 'logged', hiding: undefined }
        : { sight: isLogged ? 'partly' : 'hidden', hiding: hidingOf(first, this.#source) };
    this.#sights.set(key, sight);
    return sight;
  }
}

/** Whether earlier rules, and some boxes more, may leave requests of a box to later ones: they do not hold all for certain. */
type IsOpen = (box: Box, more?: readonly Box[]) => boolean;

/** Which rules decide about the requests of some targets, told apart by whether their outcome is logged. */
function judge(targets: readonly Box[], rules: readonly RuleFor[]): Found {
  const found: Found = { isLogged: false, hidingRules: new Set() };
  const budget: Budget = { steps: MAX_STEPS };
  for (const target of targets) {
    const earlier: Box[] = [];
    const isOpen: IsOpen = (box, more = []) =>
      coverageOf(box, [...earlier, ...more], budget).verdict !== 'covered';
    for (const rule of rules) {
      const own = rule.boxes.flatMap((box) => intersect(target, box) ?? []);
      for (const part of own) if (isOpen(part)) note(found, rule, part, isOpen);
      earlier.push(...own);
    }
    if (isOpen(target)) found.hidingRules.add(undefined);
  }
  return found;
}

/** What a rule does with requests of which some get as far as it. */
function note(found: Found, { index, logs }: RuleFor, part: Box, isOpen: IsOpen): void {
  if (logs === 'always') found.isLogged = true;
  if (logs === 'never') found.hidingRules.add(index);
  if (logs !== 'long-running') return;
  const long = LONG_RUNNING.flatMap((box) => intersect(part, box) ?? []);
  if (long.some((box) => isOpen(box))) found.isLogged = true;
  if (isOpen(part, LONG_RUNNING)) found.hidingRules.add(index);
}

function hidingOf(rule: number | undefined, { policy, lineOf }: SourcedPolicy): Hiding {
  if (rule === undefined) {
    const reason = 'no rule of the audit policy matches';
    return { rule, line: lineOf(['rules']), reason, isAboutSome: false };
  }
  const line = lineOf(['rules', rule]);
  const what = `rule ${rule + 1} of the audit policy (line ${line})`;
  return { rule, line, reason: `${what} ${howOf(rule, policy)}`, isAboutSome: isAboutSome(rule, policy) };
}

function howOf(rule: number, { rules }: AuditPolicy): string {
  return rules[rule]?.level === 'None'
    ? 'has level None'
    : 'leaves out the stage that tells how a request ended';
}

const EVERYBODY: readonly string[] = ['system:authenticated', 'system:unauthenticated'];

function isAboutSome(rule: number, { rules }: AuditPolicy): boolean {
  const { users = [], userGroups = [] } = rules[rule] ?? {};
  return (
    users.length > 0 || (userGroups.length > 0 && !userGroups.some((group) => EVERYBODY.includes(group)))
  );
}
