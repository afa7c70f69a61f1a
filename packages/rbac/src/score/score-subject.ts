import type { Subject } from '@leastwise/audit-event';

import { orderKey } from '../approved/cell-set.ts';
import type { ScopedRule } from '../approved/cells.ts';
import { RuleIndex } from '../authorizer/rule-index.ts';
import { boxesOf, type ResourceBox, urlCovers } from '../diff/box.ts';
import type { Cell } from '../policy.ts';
import type { PolicyRule } from '../types.ts';
import { Coverage, type Grants } from './coverage.ts';
import { inOrder, SensitiveCells, type SensitiveExcess, sensitiveIn } from './sensitive.ts';
import { Blindness, type SightOf } from './sight.ts';
import { type SpreadRule, spreadRules } from './spread.ts';
import { isAnyUrl, type Universe, type UniverseResource } from './universe.ts';
import { Usage, type UsedCell } from './usage.ts';

/** Bands of the score: at least 80, at least 50, below. */
export type Severity = 'Green' | 'Yellow' | 'Red';

/** What one subject holds and what it used. */
export interface ScoreInput {
  readonly subject: Subject;
  /** All that it holds, by its name and its groups. */
  readonly granted: readonly ScopedRule[];
  /** What the API server grants to everybody like it, and would grant again: it counts neither way. */
  readonly defaults: readonly ScopedRule[];
  /** What it used, each cell once. */
  readonly used: readonly UsedCell[];
  /** Of the cluster: all subjects' rules and all that was used are in it. */
  readonly universe: Universe;
  /** What the cluster's audit policy lets one see of the subject; without it everything counts as logged. */
  readonly sightOf?: SightOf;
}

/** How much of what a subject holds it used. */
export interface SubjectScore {
  readonly subject: Subject;
  /**
   * 0 to 100; `undefined` where nothing is granted and something was used, so that the RBAC is not all there is, and
   * where all that is granted is not observable, so that nothing can be said.
   */
  readonly score: number | undefined;
  readonly severity: Severity | undefined;
  /** Cells that are granted. */
  readonly granted: bigint;
  /** Those of them that were used. */
  readonly used: bigint;
  /** Those of them of which no use is known, but not every use would have been logged: they count neither way. */
  readonly unobservable: bigint;
  /** Whether some rules were too much to take apart: their cells all count as unused and the score is at least this. */
  readonly isAtLeast: boolean;
  /** By kind, then resource. */
  readonly sensitiveExcess: readonly SensitiveExcess[];
  /** The same of what is not observable, without wildcards. */
  readonly sensitiveUnobservable: readonly SensitiveExcess[];
  /** What was used and allowed, although this RBAC does not grant it. */
  readonly uncovered: readonly UsedCell[];
}

/** How many cells of one subject are looked at one by one, places not counted. */
export const MAX_SCORED_CELLS = 5_000_000;

/** The band of a score. */
export function severityOf(score: number): Severity {
  if (score >= 80) return 'Green';
  return score >= 50 ? 'Yellow' : 'Red';
}

/** 0 to 100, rounded down: 100 only where all that is granted was used. Nothing granted is nothing too much. */
function scoreOf({ granted, used, unobservable }: Tally): number {
  const judged = granted - unobservable;
  return judged === 0n ? 100 : Number((used * 100n) / judged);
}

/** Rules by where they hold, to ask for single cells as the API server would. */
class HeldRules {
  readonly #byScope = new Map<string, PolicyRule[]>();
  readonly #indices = new Map<string, RuleIndex>();

  constructor(rules: readonly ScopedRule[]) {
    for (const { scope, rule } of rules) {
      const inScope = this.#byScope.get(scope);
      if (inScope) inScope.push(rule);
      else this.#byScope.set(scope, [rule]);
    }
  }

  #index(scope: string): RuleIndex {
    const index = this.#indices.get(scope) ?? new RuleIndex(this.#byScope.get(scope) ?? []);
    this.#indices.set(scope, index);
    return index;
  }

  allow(cell: Cell): boolean {
    if (cell.resource === '') return this.#index('*').allowsUrl(cell);
    if (this.#index('*').allowsResource(cell)) return true;
    return cell.namespace !== '' && this.#index(cell.namespace).allowsResource(cell);
  }
}

/** Sums up the cells that are granted and those used, and keeps what was not. */
class Tally {
  granted = 0n;
  used = 0n;
  unobservable = 0n;
  readonly #universe: Universe;
  readonly #coverage: Coverage;
  readonly #defaults: Coverage;
  readonly #usage: Usage;
  readonly #blindness: Blindness | undefined;
  readonly #unused = new Map<UniverseResource, Set<string>>();
  readonly #unusedUrls = new Set<string>();
  readonly #sensitive = new SensitiveCells();
  readonly #hidden = new SensitiveCells();

  constructor({ defaults, used, universe, sightOf }: ScoreInput, rules: readonly SpreadRule[]) {
    this.#universe = universe;
    this.#coverage = new Coverage(rules, universe, { steps: MAX_SCORED_CELLS });
    this.#defaults = new Coverage(spreadRules(defaults), universe, { steps: MAX_SCORED_CELLS });
    this.#usage = new Usage(used, universe);
    this.#blindness = sightOf && new Blindness(sightOf, universe, this.#usage);
    for (const [resource, byVerb] of this.#coverage.resources) {
      for (const [verb, grants] of byVerb) this.#countResource(resource, verb, grants);
    }
    for (const [url, verbs] of this.#coverage.urls) for (const verb of verbs) this.#countUrl(url, verb);
    this.granted += this.#coverage.beyond;
  }

  get isAtLeast(): boolean {
    return this.#coverage.beyond > 0n;
  }

  #countResource(resource: UniverseResource, verb: string, grants: Grants): void {
    const { unnamed, named } = grants;
    const byDefault = this.#defaults.resources.get(resource)?.get(verb)?.unnamed ?? [];
    if (byDefault.some(({ isCluster }) => isCluster)) return;
    let granted = this.#usage.grantedIn(resource, unnamed);
    let used = this.#usage.usedIn({ resource, verb, name: undefined }, unnamed);
    for (const [name, scopes] of named) {
      granted += this.#usage.grantedIn(resource, scopes);
      used += this.#usage.usedIn({ resource, verb, name }, scopes);
    }
    const unobservable = this.#blindness?.countIn(resource, verb, grants) ?? 0;
    this.granted += BigInt(granted);
    this.used += BigInt(used);
    this.unobservable += BigInt(unobservable);
    if (used + unobservable < granted) this.#noteUnused(resource, verb);
    if (unobservable > 0) this.#hidden.note(resource, verb);
  }

  #noteUnused(resource: UniverseResource, verb: string): void {
    const verbs = this.#unused.get(resource) ?? new Set<string>();
    this.#unused.set(resource, verbs.add(verb));
    this.#sensitive.note(resource, verb);
  }

  #countUrl(url: string, verb: string): void {
    for (const [byDefault, verbs] of this.#defaults.urls) {
      if (verbs.has(verb) && urlCovers(byDefault, url)) return;
    }
    this.granted += 1n;
    if (this.#usage.usesUrl(url, verb)) this.used += 1n;
    else if (this.#blindness?.hidesUrl(url, verb)) this.unobservable += 1n;
    else this.#unusedUrls.add(`${verb}\0${url}`);
  }

  /** What is sensitive among the unused. */
  sensitiveExcess(rules: readonly SpreadRule[]): SensitiveExcess[] {
    const wild = rules
      .filter((each) => this.#isWildExcess(each))
      .map(({ rule }) => ({ kind: 'wildcard' as const, rule }));
    const beyond = this.#coverage.oversize.flatMap(sensitiveIn);
    return inOrder([...this.#sensitive.list(), ...wild, ...beyond]);
  }

  /** What is sensitive among the unobservable. */
  sensitiveUnobservable(): SensitiveExcess[] {
    return inOrder(this.#hidden.list());
  }

  /** Whether a rule with wildcards grants something that was not used. */
  #isWildExcess({ rule, scopes }: SpreadRule): boolean {
    const { resources, urls } = boxesOf([{ scope: '*', rule }]);
    const isUnusedUrl = urls.some(
      (box) => scopes.isCluster && this.#hasUnusedUrl(box.verbs, [...box.urls].filter(isAnyUrl)),
    );
    return isUnusedUrl || resources.some((box) => isWild(box) && this.#hasUnused(box));
  }

  #hasUnusedUrl(verbs: ReadonlySet<string>, wildcards: readonly string[]): boolean {
    if (wildcards.length === 0) return false;
    for (const key of this.#unusedUrls) {
      if (verbs.has('*') || verbs.has(key.slice(0, key.indexOf('\0')))) return true;
    }
    return false;
  }

  #hasUnused(box: ResourceBox): boolean {
    for (const resource of this.#universe.of(box)) {
      for (const verb of this.#unused.get(resource) ?? []) {
        if (box.verbs.has('*') || box.verbs.has(verb)) return true;
      }
    }
    return false;
  }
}

function isWild({ groups, resources, verbs }: ResourceBox): boolean {
  const isWildResource = [...resources].some((resource) => resource.startsWith('*'));
  return groups.has('*') || verbs.has('*') || isWildResource;
}

/**
 * How much of what a subject holds it used, from 0 to 100.
 *
 * What is counted are cells: one verb of one resource or subresource in one namespace (in the one place that it has,
 * where the resource is of the cluster), once for grants of any name, which a request with any name uses, and once for
 * each name that rules give; one verb of one URL or prefix. A grant in the whole cluster is one cell for each namespace; a
 * request to the whole cluster uses all of them. Wildcards stand for what the universe has. What does not exist is
 * not counted: a verb that a resource has not, a resource of the cluster in a Role, a URL in a RoleBinding.
 *
 * Where the audit policy is known, a cell that was not used, and of which not every use would have been logged, is not
 * observable: it is left out of the score, above and below the line. To count it as unused would punish a subject for
 * what nobody looked at, and to count it as used would praise it; and a score must not change with either. What was seen
 * all the same counts as used.
 *
 * For one universe, a further grant that is not used never raises the score, and taking one away never lowers it.
 * @remarks Pure and deterministic, whatever the order. Work is bounded by {@link MAX_SCORED_CELLS}: rules beyond are
 * multiplied out, and all of their cells counted as unused, observable or not.
 */
export function scoreSubject(input: ScoreInput): SubjectScore {
  const rules = spreadRules(input.granted);
  const tally = new Tally(input, rules);
  const { used, granted, unobservable, isAtLeast } = tally;
  const held = new HeldRules([...input.granted, ...input.defaults]);
  const uncovered = input.used
    .filter(({ cell }) => !held.allow(cell))
    .map((each) => ({ each, key: orderKey(each.cell) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ each }) => each);
  const isUnknown = granted === unobservable && (uncovered.length > 0 || unobservable > 0n);
  const score = isUnknown ? undefined : scoreOf(tally);
  return {
    subject: input.subject,
    score,
    severity: score === undefined ? undefined : severityOf(score),
    granted,
    used,
    unobservable,
    isAtLeast,
    sensitiveExcess: tally.sensitiveExcess(rules),
    sensitiveUnobservable: tally.sensitiveUnobservable(),
    uncovered,
  };
}
