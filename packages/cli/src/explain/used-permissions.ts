import {
  type Cell,
  type Evidence,
  type PolicyOptions,
  RuleIndex,
  type RuleState,
  secondaryCells,
  type SubjectState,
} from '@leastwise/rbac';

/** A permission of a rule, and where it holds: `*` for the whole cluster. */
export interface HeldCell {
  readonly cell: Cell;
  readonly scope: string;
}

/** How a permission was used. */
export interface CellUse {
  /** Microseconds since the epoch. */
  readonly lastSeenUs: number;
  /** Whether what was seen may be less than what is held: of a wildcard, or in some namespaces only. */
  readonly isPartial: boolean;
}

interface Use {
  /** Without a name. */
  readonly cell: Cell;
  /** By name or URL, when it was last seen. */
  readonly names: ReadonlyMap<string, number>;
  /** Of names that are too many to keep, which may be any. */
  readonly otherUs: number | undefined;
  /** Of all of them. */
  readonly latestUs: number;
}

/** Days that count, both ends included. */
interface Period {
  readonly firstDay: number;
  readonly lastDay: number;
}

function isWithin({ days }: Evidence, { firstDay, lastDay }: Period): boolean {
  return days.some((day) => day >= firstDay && day <= lastDay);
}

function usesOf(rule: RuleState, period: Period, options: PolicyOptions): Use[] {
  const { verb, apiGroup, resource, namespace, overflow } = rule;
  const names = new Map<string, number>();
  for (const [name, evidence] of rule.names) {
    if (isWithin(evidence, period)) names.set(name, evidence.lastSeenUs);
  }
  const otherUs = overflow !== undefined && isWithin(overflow, period) ? overflow.lastSeenUs : undefined;
  if (names.size === 0 && otherUs === undefined) return [];
  let latestUs = otherUs ?? 0;
  for (const us of names.values()) latestUs = Math.max(latestUs, us);
  const cell = { verb, apiGroup, resource, namespace, name: '', path: '' };
  return [cell, ...secondaryCells(cell, options)].map((each) => ({ cell: each, names, otherUs, latestUs }));
}

function targetOf({ verb, apiGroup, resource }: Cell): string {
  return `${verb}\0${apiGroup}\0${resource}`;
}

function isWide({ verb, apiGroup, resource, path }: Cell): boolean {
  return verb === '*' || apiGroup === '*' || resource.includes('*') || path.endsWith('*');
}

/** What a subject used within some days, to be asked for what a rule grants. */
export class UsedPermissions {
  readonly #all: readonly Use[];
  readonly #byTarget = new Map<string, Use[]>();

  constructor({ allowed }: Pick<SubjectState, 'allowed'>, period: Period, options: PolicyOptions) {
    this.#all = [...allowed.rules.values()].flatMap((rule) => usesOf(rule, period, options));
    for (const use of this.#all) {
      const key = targetOf(use.cell);
      const list = this.#byTarget.get(key);
      if (list) list.push(use);
      else this.#byTarget.set(key, [use]);
    }
  }

  /**
   * How a permission was used, by the API server's own matching, whatever it was that allowed the requests; `undefined`
   * where no use is known. A use of a name that was not kept may be of any.
   */
  of({ cell, scope }: HeldCell): CellUse | undefined {
    const isAnywhere = scope === '*';
    const matches = matcherOf(cell);
    const near = isWide(cell) ? this.#all : (this.#byTarget.get(targetOf(cell)) ?? []);
    let lastSeenUs: number | undefined;
    let isInCluster = false;
    for (const use of near) {
      if (!isAnywhere && use.cell.namespace !== scope) continue;
      const us = matches(use);
      if (us === undefined) continue;
      lastSeenUs = Math.max(lastSeenUs ?? us, us);
      if (use.cell.namespace === '') isInCluster = true;
    }
    if (lastSeenUs === undefined) return undefined;
    return { lastSeenUs, isPartial: isWide(cell) || (isAnywhere && !isInCluster) };
  }
}

/** When a use was last one of the permission; `undefined` where it is none. */
function matcherOf({ verb, apiGroup, resource, name, path }: Cell): (use: Use) => number | undefined {
  if (resource === '') {
    const urls = new RuleIndex([{ verbs: [verb], nonResourceURLs: [path] }]);
    return ({ cell, names, otherUs }) => {
      if (cell.resource !== '' || (verb !== '*' && verb !== cell.verb)) return undefined;
      let latest = otherUs;
      for (const [url, us] of names) {
        if (urls.allowsUrl({ ...cell, path: url })) latest = Math.max(latest ?? us, us);
      }
      return latest;
    };
  }
  const index = new RuleIndex([{ verbs: [verb], apiGroups: [apiGroup], resources: [resource] }]);
  return ({ cell, names, otherUs, latestUs }) => {
    if (cell.resource === '' || !index.allowsResource(cell)) return undefined;
    if (name === '') return latestUs;
    const us = names.get(name);
    return us === undefined || otherUs === undefined ? (us ?? otherUs) : Math.max(us, otherUs);
  };
}
