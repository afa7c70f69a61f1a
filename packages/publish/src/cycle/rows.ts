import { impliedGroups } from '@leastwise/audit-event';
import {
  type Cell,
  createAuthorizer,
  dayOf,
  type Evidence,
  type GrantedRule,
  type PolicyRule,
  type RbacObject,
  type SubjectState,
} from '@leastwise/rbac';
import type {
  ObservedPermission,
  RefusedRule,
  RemovedPermission,
  RuleChange,
  SubjectChange as SubjectRow,
} from '@leastwise/render';

import { observedOf } from '../policy-report.ts';
import { cellKey } from './cell-key.ts';
import type { ChangePart } from './groups.ts';
import { sumOf } from './infer-subject.ts';
import type { Verdict } from './verify.ts';

/** What a pull request says of one subject: of the part of its change that is in it. */
export function subjectRow(
  { change: each, namespaces, covers: part }: ChangePart,
  verdict: Verdict,
): SubjectRow {
  const { plan, change, observability, unproven } = each;
  const { policy, approved, state } = plan;
  const isHere = ({ namespace }: Cell): boolean => part.has(namespace);
  const rulesIn = (objects: readonly RbacObject[]): GrantedRule[] =>
    createAuthorizer(objects)
      .rulesFor(policy.subject, impliedGroups(policy.subject))
      .filter(({ scope }) => part.has(namespaceOf(scope)));
  const [before, after] = [rulesIn(approved.objects), rulesIn(verdict.after)];
  const withheld = policy.exceptions.filter((exception) => exception.class === 'withheld');
  const used = [...policy.granted, ...withheld].filter(({ cell }) => isHere(cell));
  const evidence = new EvidenceOf(policy.granted);
  const lastUsed = new EvidenceOf(policy.exceptions);
  const asOfDay = plan.options.asOfDay ?? dayOf(plan.cluster.lastSeenUs);
  return {
    subject: policy.subject,
    namespaces: namespaces.filter((namespace) => namespace !== ''),
    hasClusterFolder: namespaces.includes(''),
    granted: countCells(before),
    used: used.length,
    proposed: countCells(after),
    added: change.added.filter(isHere).map((cell) => addedRow(cell, evidence.of(cell))),
    removed: change.removed
      .filter(isHere)
      .map((cell) => removedRow(cell, lastUsed.of(cell), asOfDay, observability.observableDays)),
    broken: verdict.broken,
    unproven: unproven
      .filter(({ cell }) => isHere(cell))
      .map(({ cell, remark }) => ({ permission: cell, remark })),
    withheld: withheld.map(({ cell }) => cell).filter(isHere),
    refused: refusedRules(state, part),
    rules: [...part].map((namespace): RuleChange => {
      const here = (rules: readonly GrantedRule[]): PolicyRule[] =>
        rules.filter(({ scope }) => namespaceOf(scope) === namespace).map(({ rule }) => rule);
      return { namespace, before: here(before), after: here(after) };
    }),
  };
}

function namespaceOf(scope: string): string {
  return scope === '*' ? '' : scope;
}

/** The earliest sample, which more requests do not change. */
function addedRow(cell: Cell, evidence: Evidence | undefined): ObservedPermission {
  if (evidence === undefined) {
    const nothing = { count: 0, days: 0, firstSeenUs: 0, lastSeenUs: 0, sampleAuditID: '', clients: [] };
    return { permission: cell, ...nothing };
  }
  return { ...observedOf({ cell, evidence }), sampleAuditID: evidence.firstAuditID };
}

function removedRow(
  cell: Cell,
  evidence: Evidence | undefined,
  asOfDay: number,
  observableDays: number,
): RemovedPermission {
  const lastUsedUs = evidence?.lastSeenUs;
  const unusedDays = lastUsedUs === undefined ? observableDays : Math.max(0, asOfDay - dayOf(lastUsedUs));
  return { permission: cell, lastUsedUs, unusedDays, observableDays };
}

type Seen = { readonly cell: Cell; readonly evidence: Evidence };

/** Finds the evidence that a cell rests on: its own, else that of all cells that it includes. */
class EvidenceOf {
  readonly #byKey = new Map<string, Evidence>();
  readonly #byVerb = new Map<string, Seen[]>();
  readonly #all: readonly Seen[];

  constructor(all: readonly Seen[]) {
    this.#all = all;
    for (const seen of all) {
      this.#byKey.set(cellKey(seen.cell), seen.evidence);
      const key = `${seen.cell.verb}\0${seen.cell.resource}`;
      const list = this.#byVerb.get(key);
      if (list === undefined) this.#byVerb.set(key, [seen]);
      else list.push(seen);
    }
  }

  of(cell: Cell): Evidence | undefined {
    const own = this.#byKey.get(cellKey(cell));
    if (own !== undefined) return own;
    const isWide = cell.verb === '*' || cell.resource.includes('*');
    const near = isWide ? this.#all : (this.#byVerb.get(`${cell.verb}\0${cell.resource}`) ?? []);
    const found = near.filter((seen) => includes(cell, seen.cell));
    return found.length === 0 ? undefined : sumOf(found.map(({ evidence }) => evidence));
  }
}

/** Whether one cell grants all that another one does. */
export function includes(wide: Cell, cell: Cell): boolean {
  const isMet = (part: string, other: string, any: string): boolean => part === other || part === any;
  if (!isMet(wide.verb, cell.verb, '*')) return false;
  if (wide.resource === '' || cell.resource === '') {
    const { path } = wide;
    const isUrl = wide.resource === '' && cell.resource === '';
    return isUrl && (path.endsWith('*') ? cell.path.startsWith(path.slice(0, -1)) : path === cell.path);
  }
  const [, sub] = cell.resource.split('/');
  const isSub = sub !== undefined && wide.resource === `*/${sub}`;
  return (
    (isSub || isMet(wide.resource, cell.resource, '*')) &&
    isMet(wide.apiGroup, cell.apiGroup, '*') &&
    isMet(wide.namespace, cell.namespace, '') &&
    isMet(wide.name, cell.name, '')
  );
}

/** How many cells are told apart; beyond, those that several rules grant count for each. */
const MAX_COUNTED = 100_000;

/** How many permissions rules grant: one for each value of verb, group, resource and name. */
function countCells(rules: readonly GrantedRule[]): number {
  const sizes = rules.map(({ rule }) => sizeOf(rule));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > MAX_COUNTED) return total;
  const keys = new Set<string>();
  for (const { scope, rule } of rules) {
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    const names = resourceNames.length === 0 ? [''] : resourceNames;
    for (const verb of verbs) {
      for (const path of nonResourceURLs) keys.add(JSON.stringify([verb, path]));
      for (const group of apiGroups) {
        for (const resource of resources) {
          for (const name of names) keys.add(JSON.stringify([scope, verb, group, resource, name]));
        }
      }
    }
  }
  return keys.size;
}

function sizeOf({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): number {
  const targets =
    (apiGroups?.length ?? 0) * (resources?.length ?? 0) * Math.max(1, resourceNames?.length ?? 0);
  return verbs.length * (targets + (nonResourceURLs?.length ?? 0));
}

/** What a subject was refused in some namespaces, one rule for all verbs of one target. */
export function refusedRules(state: SubjectState, namespaces: ReadonlySet<string>): RefusedRule[] {
  const refused = deniedOf(state).filter(({ cell }) => namespaces.has(cell.namespace));
  return rulesFor(refused).map(({ namespace, rule, seen }) => ({
    namespace,
    rule,
    requests: seen.reduce((sum, { evidence }) => sum + evidence.count, 0),
  }));
}

/** Everything that a subject was refused and that is remembered. */
export function deniedOf({ denied }: SubjectState): Seen[] {
  return [...denied.rules.values()].flatMap(({ verb, apiGroup, resource, namespace, names }) =>
    [...names].map(([name, evidence]) => {
      const isUrl = resource === '';
      const named = { name: isUrl ? '' : name, path: isUrl ? name : '' };
      return { cell: { verb, apiGroup, resource, namespace, ...named }, evidence };
    }),
  );
}

/** Rules that grant some cells and no others: one for all verbs of one target, in a fixed order. */
export function rulesFor<T extends { readonly cell: Cell }>(
  seen: readonly T[],
): { readonly namespace: string; readonly rule: PolicyRule; readonly seen: readonly T[] }[] {
  const byTarget = new Map<string, T[]>();
  for (const each of seen) {
    const key = cellKey({ ...each.cell, verb: '' });
    byTarget.set(key, [...(byTarget.get(key) ?? []), each]);
  }
  return [...byTarget]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => {
      const [first] = group;
      if (first === undefined) return [];
      const { apiGroup, resource, namespace, name, path } = first.cell;
      const verbs = [...new Set(group.map(({ cell }) => cell.verb))].sort();
      const names = name === '' ? {} : { resourceNames: [name] };
      const rule =
        resource === ''
          ? { nonResourceURLs: [path], verbs }
          : { apiGroups: [apiGroup], resources: [resource], ...names, verbs };
      return [{ namespace, rule, seen: group }];
    });
}
