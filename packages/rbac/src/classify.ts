import { impliedGroups } from '@leastwise/audit-event';

import type { Authorizer } from './authorizer/index.ts';
import { dayOf, derivedEvidence } from './evidence.ts';
import { GrantSet, type Grant } from './grant.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell, Exception, ExceptionClass, Widening } from './policy.ts';
import type { ClusterState, Evidence, RuleSet, RuleState, SubjectState } from './types.ts';
import { isSpecialVerb, unrenderableReason } from './validity.ts';

/** The days that count, both ends included. */
export interface Period {
  readonly firstDay: number;
  readonly lastDay: number;
}

/** The days in (asOf − retention, asOf]; asOf is the cluster's newest day unless chosen. */
export function retentionPeriod(cluster: ClusterState, options: PolicyOptions): Period {
  const lastDay = options.asOfDay ?? dayOf(cluster.lastSeenUs);
  return { firstDay: lastDay - options.retentionDays + 1, lastDay };
}

function isWithin(evidence: Evidence, period: Period): boolean {
  return evidence.days.some((day) => day >= period.firstDay && day <= period.lastDay);
}

/** Whether a namespace is to be left out: seen deleted and not made again, or idle for too long. */
export function isNamespaceGone(namespace: string, cluster: ClusterState, options: PolicyOptions): boolean {
  const state = cluster.namespaces.get(namespace);
  if (!state) return false;
  if (options.dropDeletedNamespaces && state.lastDeletedUs > state.lastLiveUs) return true;
  const asOf = options.asOfDay ?? dayOf(cluster.lastSeenUs);
  return state.lastSeenUs > 0 && dayOf(state.lastSeenUs) <= asOf - options.namespaceIdleDays;
}

/** Every cell of a rule with its evidence; what the names' cap left out comes as one unnamed cell. */
export function cellsOfRule(rule: RuleState): { cell: Cell; evidence: Evidence; isOverflow: boolean }[] {
  const { verb, apiGroup, resource, namespace } = rule;
  const isUrl = resource === '';
  const cells = [...rule.names].map(([name, evidence]) => ({
    cell: { verb, apiGroup, resource, namespace, name: isUrl ? '' : name, path: isUrl ? name : '' },
    evidence,
    isOverflow: false,
  }));
  if (rule.overflow && !isUrl) {
    const cell = { verb, apiGroup, resource, namespace, name: '', path: '' };
    cells.push({ cell, evidence: rule.overflow, isOverflow: true });
  }
  return cells;
}

interface Context {
  readonly state: SubjectState;
  readonly cluster: ClusterState;
  readonly options: PolicyOptions;
  readonly existing: Authorizer;
  readonly period: Period;
}

function classOf(cell: Cell, evidence: Evidence, context: Context): [ExceptionClass, string] | undefined {
  const { options, state } = context;
  if (!isWithin(evidence, context.period)) return ['outside-retention', ''];
  const request = { subject: state.subject, groups: impliedGroups(state.subject), permission: cell };
  if (context.existing.authorize(request).allowed) return ['granted-by-default', ''];
  if (!evidence.viaRbac && !options.includeOtherAuthorizers) return ['other-authorizer', ''];
  const problem = unrenderableReason(cell);
  if (problem !== undefined) return ['unrenderable', problem];
  if (options.namespace !== undefined && cell.namespace !== options.namespace) return ['not-selected', ''];
  if (cell.namespace !== '' && isNamespaceGone(cell.namespace, context.cluster, options)) {
    return ['namespace-gone', ''];
  }
  if (options.specialVerbs === 'Withhold' && isSpecialVerb(cell)) return ['withheld', ''];
  return undefined;
}

const UPGRADED = ['pods/exec', 'pods/attach', 'pods/portforward'];

/**
 * What a request needs besides its own verb, where the audit log does not tell: a WebSocket exec,
 * attach or portforward is logged as `get` and needs `create` from Kubernetes 1.35 on (KEP-4006's
 * follow-up, gate AuthorizePodWebsocketUpgradeCreatePermission).
 */
export function secondaryCells(cell: Cell, options: PolicyOptions): Cell[] {
  const { major, minor } = options.kubernetesVersion;
  const needsCreate = major > 1 || (major === 1 && minor >= 35);
  const isUpgrade = cell.verb === 'get' && cell.apiGroup === '' && UPGRADED.includes(cell.resource);
  return isUpgrade && needsCreate ? [{ ...cell, verb: 'create' }] : [];
}

const REPLACED: Readonly<Record<string, string>> = {
  daemonsets: 'apps',
  deployments: 'apps',
  replicasets: 'apps',
  ingresses: 'networking.k8s.io',
  networkpolicies: 'networking.k8s.io',
  podsecuritypolicies: 'policy',
};

function replacedGroup(cell: Cell): string | undefined {
  const [resource = ''] = cell.resource.split('/');
  return cell.apiGroup === 'extensions' && Object.hasOwn(REPLACED, resource) ? REPLACED[resource] : undefined;
}

/** The observed cells of a subject, told apart into what is to be granted and what is not. */
export interface Classified {
  readonly grants: readonly Grant[];
  readonly exceptions: readonly Exception[];
  readonly widenings: readonly Widening[];
  readonly isIncomplete: boolean;
}

function setsOf(state: SubjectState, options: PolicyOptions): RuleSet[] {
  return options.includeDenied ? [state.allowed, state.denied] : [state.allowed];
}

function observedCells(
  state: SubjectState,
  options: PolicyOptions,
): { grants: Grant[]; overflowed: Grant[] } {
  const cells = new GrantSet();
  const overflowed: Grant[] = [];
  for (const set of setsOf(state, options)) {
    for (const rule of set.rules.values()) {
      for (const { cell, evidence, isOverflow } of cellsOfRule(rule)) {
        const grant = { ...cell, evidence };
        cells.add(grant);
        if (isOverflow) overflowed.push(grant);
        for (const secondary of secondaryCells(cell, options)) {
          cells.add({ ...secondary, evidence: derivedEvidence(evidence) });
        }
      }
    }
  }
  return { grants: cells.values(), overflowed };
}

/** Tells the observed cells of a subject apart: what is to be granted, and what is not and why. */
export function classify(
  state: SubjectState,
  cluster: ClusterState,
  existing: Authorizer,
  options: PolicyOptions,
): Classified {
  const context = { state, cluster, options, existing, period: retentionPeriod(cluster, options) };
  const grants: Grant[] = [];
  const exceptions: Exception[] = [];
  const widenings: Widening[] = [];
  const observed = observedCells(state, options);
  for (const { evidence, ...cell } of observed.grants) {
    const found = classOf(cell, evidence, context);
    if (found) {
      exceptions.push({ class: found[0], cell, detail: found[1], evidence });
      continue;
    }
    grants.push({ ...cell, evidence });
    const group = options.mapDeprecatedGroups ? replacedGroup(cell) : undefined;
    if (group !== undefined) {
      const mapped = { ...cell, apiGroup: group };
      grants.push({ ...mapped, evidence: derivedEvidence(evidence) });
      widenings.push({ kind: 'deprecated-group', what: `${cell.resource} of ${group}`, replaced: 0 });
    }
  }
  for (const { evidence, ...cell } of observed.overflowed) {
    if (classOf(cell, evidence, context)) continue;
    const what = `${cell.verb} ${cell.resource}${cell.namespace === '' ? '' : ` in ${cell.namespace}`}`;
    widenings.push({ kind: 'names-overflow', what, replaced: 0 });
  }
  const isIncomplete = setsOf(state, options).some(
    (set) =>
      set.overflow !== undefined ||
      [...set.rules.values()].some((rule) => rule.resource === '' && rule.overflow !== undefined),
  );
  return { grants, exceptions, widenings, isIncomplete };
}
