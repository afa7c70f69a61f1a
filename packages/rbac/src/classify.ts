import { type CountedRequest, impliedGroups } from '@leastwise/audit-event';

import { type Authorizer, createAuthorizer } from './authorizer/index.ts';
import { DAY_US, dayOf, derivedEvidence } from './evidence.ts';
import { describeCell, type Grant, groupBy, targetKey, unique, type Widened } from './grant.ts';
import { matchesGlob } from './objects.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell, Exception, ExceptionClass, Widening } from './policy.ts';
import type { ClusterState, Evidence, NamespaceState, RbacObject, RuleState, SubjectState } from './types.ts';
import { isSpecialVerb, subjectProblem, unrenderableReason } from './validity.ts';

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

function isDeleted({ lastSeenUs, lastLiveUs, lastDeletedUs }: NamespaceState): boolean {
  // A dry run by the body of a delete looks like a delete; what is used a day later was not deleted.
  return lastDeletedUs > lastLiveUs && lastSeenUs - lastDeletedUs <= DAY_US;
}

/** Whether a namespace is to be left out: seen deleted and not made again, or idle for too long. */
export function isNamespaceGone(namespace: string, cluster: ClusterState, options: PolicyOptions): boolean {
  const state = cluster.namespaces.get(namespace);
  if (!state) return false;
  if (options.dropDeletedNamespaces && isDeleted(state)) return true;
  const asOf = options.asOfDay ?? dayOf(cluster.lastSeenUs);
  return state.lastSeenUs > 0 && dayOf(state.lastSeenUs) <= asOf - options.namespaceIdleDays;
}

/** What became of requests; a subject's state is kept by it. */
export type Outcome = CountedRequest['outcome'];

/**
 * Every cell of a rule with its evidence. What the names' cap left out comes as one unnamed cell where
 * the requests were allowed; refused ones never widen, for they cost nothing.
 */
export function cellsOfRule(
  rule: RuleState,
  outcome: Outcome,
): { cell: Cell; evidence: Evidence; isOverflow: boolean }[] {
  const { verb, apiGroup, resource, namespace } = rule;
  const isUrl = resource === '';
  const cells = [...rule.names].map(([name, evidence]) => ({
    cell: { verb, apiGroup, resource, namespace, name: isUrl ? '' : name, path: isUrl ? name : '' },
    evidence,
    isOverflow: false,
  }));
  if (rule.overflow && isWidenedByCap(rule, outcome)) {
    const cell = { verb, apiGroup, resource, namespace, name: '', path: '' };
    cells.push({ cell, evidence: rule.overflow, isOverflow: true });
  }
  return cells;
}

/** Whether a rule with too many names becomes unnamed; others keep the names that there is room for, and are incomplete. */
function isWidenedByCap(rule: RuleState, outcome: Outcome): boolean {
  return outcome === 'allowed' && rule.resource !== '' && !isSpecialVerb(rule);
}

interface Context {
  readonly state: SubjectState;
  readonly cluster: ClusterState;
  readonly options: PolicyOptions;
  readonly existing: ExistingRbac;
  readonly period: Period;
  readonly subjectProblem: string | undefined;
}

/** RBAC that exists, and whether it ever asks for names: where it does not, one answer holds for all of them. */
export interface ExistingRbac {
  readonly authorizer: Authorizer;
  readonly hasNames: boolean;
}

/** Prepares what exists for {@link classify}. */
export function existingRbac(objects: readonly RbacObject[]): ExistingRbac {
  const hasNames = objects.some(
    (object) =>
      'rules' in object && object.rules.some(({ resourceNames }) => (resourceNames ?? []).length > 0),
  );
  return { authorizer: createAuthorizer(objects), hasNames };
}

type Classification = readonly [ExceptionClass, string];

/** What holds for all names of a rule alike: found once, since a rule may have very many. */
interface RuleFacts {
  readonly isGranted: boolean | undefined;
  readonly problem: Classification | undefined;
}

function problemOfRule(cell: Cell, context: Context): Classification | undefined {
  const { options } = context;
  if (options.namespace !== undefined && cell.namespace !== options.namespace) return ['not-selected', ''];
  // What is granted everywhere outlives a namespace: the next one is deleted, too.
  const isBound = cell.namespace !== '' && options.scopeMode === 'NamespaceStrict';
  if (isBound && isNamespaceGone(cell.namespace, context.cluster, options)) {
    return ['namespace-gone', ''];
  }
  if (options.specialVerbs === 'Withhold' && isSpecialVerb(cell)) return ['withheld', ''];
  return undefined;
}

function isGranted(permission: Cell, { state, existing }: Context): boolean {
  const { subject } = state;
  return existing.authorizer.authorize({ subject, groups: impliedGroups(subject), permission }).allowed;
}

function factsOf(cell: Cell, context: Context): RuleFacts {
  const isSame = cell.resource !== '' && !context.existing.hasNames;
  return { isGranted: isSame ? isGranted(cell, context) : undefined, problem: problemOfRule(cell, context) };
}

function classOf(grant: Grant, facts: RuleFacts, context: Context): Classification | undefined {
  const { evidence } = grant;
  if (facts.problem?.[0] === 'not-selected') return facts.problem;
  if (!isWithin(evidence, context.period)) return ['outside-retention', ''];
  if (facts.isGranted ?? isGranted(grant, context)) return ['granted-by-default', ''];
  if (!evidence.viaRbac && !context.options.includeOtherAuthorizers) return ['other-authorizer', ''];
  const problem = context.subjectProblem ?? unrenderableReason(grant);
  return problem === undefined ? facts.problem : ['unrenderable', problem];
}

const UPGRADED = ['pods/exec', 'pods/attach', 'pods/portforward'];

/**
 * What a request needs besides its own verb, where the audit log does not tell: a WebSocket exec,
 * attach or portforward is logged as `get` and needs `create` from Kubernetes 1.35 on (KEP-4006's
 * follow-up, gate AuthorizePodWebsocketUpgradeCreatePermission).
 */
export function secondaryCells(cell: Cell, options: Pick<PolicyOptions, 'kubernetesVersion'>): Cell[] {
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
  /**
   * What was done in namespaces that are gone and belong to a group: the group's role has it, for the
   * namespaces to come. In its own place it is an exception like any other.
   */
  readonly outlived: readonly Grant[];
  readonly exceptions: readonly Exception[];
  readonly widenings: readonly Widening[];
  readonly isIncomplete: boolean;
}

/** The outcomes of the requests that count. */
export function countedOutcomes(options: PolicyOptions): readonly Outcome[] {
  return options.includeDenied ? ['allowed', 'denied'] : ['allowed'];
}

/**
 * The observed cells by rule. Those of refused requests, where they count, are summed with the allowed
 * ones; so is what a request needs besides, since it is as recent and as allowed as the request.
 */
function observedRules(state: SubjectState, options: PolicyOptions): Grant[][] {
  const rules = countedOutcomes(options).flatMap((outcome) =>
    [...state[outcome].rules.values()].map((rule) => grantsOfRule(rule, outcome)),
  );
  const secondary = rules
    .flat()
    .flatMap(({ evidence, ...cell }) =>
      secondaryCells(cell, options).map((each) => ({ ...each, evidence: derivedEvidence(evidence) })),
    );
  if (!options.includeDenied && secondary.length === 0) return rules;
  const cells = unique([...rules.flat(), ...secondary]);
  return [...groupBy(cells, (grant) => `${targetKey(grant)}\0${grant.namespace}`).values()];
}

function grantsOfRule(rule: RuleState, outcome: Outcome): Grant[] {
  const grants = cellsOfRule(rule, outcome).map(({ cell, evidence }) => ({ ...cell, evidence }));
  // The overflow may stand beside requests without a name: then both are the unnamed cell.
  return rule.overflow && rule.names.has('') ? unique(grants) : grants;
}

/** Whether a group's role has what was done in a namespace of it that is gone. */
function isOutlived(cell: Cell, found: Classification, { options }: Context): boolean {
  if (found[0] !== 'namespace-gone') return false;
  if (options.specialVerbs === 'Withhold' && isSpecialVerb(cell)) return false;
  return options.namespaceGroups.some((glob) => matchesGlob(glob, cell.namespace));
}

/** Tells the observed cells of a subject apart: what is to be granted, and what is not and why. */
export function classify(
  state: SubjectState,
  cluster: ClusterState,
  existing: ExistingRbac,
  options: PolicyOptions,
): Classified {
  const period = retentionPeriod(cluster, options);
  const context = {
    state,
    cluster,
    options,
    existing,
    period,
    subjectProblem: subjectProblem(state.subject),
  };
  const grants: Grant[] = [];
  const outlived: Grant[] = [];
  const exceptions: Exception[] = [];
  const classifyRule = (observed: readonly Grant[]): void => {
    const [first] = observed;
    if (!first) return;
    const facts = factsOf(first, context);
    for (const grant of observed) {
      const found = classOf(grant, facts, context);
      if (!found) {
        grants.push(grant);
        continue;
      }
      if (isOutlived(grant, found, context)) outlived.push(grant);
      const { evidence, ...cell } = grant;
      exceptions.push({ class: found[0], cell, detail: found[1], evidence });
    }
  };
  for (const observed of observedRules(state, options)) classifyRule(observed);
  const [mapped, kept] = [mapGroups(grants, options), mapGroups(outlived, options)];
  return {
    grants: mapped.grants,
    outlived: kept.grants,
    exceptions,
    widenings: [...mapped.widenings, ...kept.widenings, ...overflowWidenings(state, context)],
    isIncomplete: countedOutcomes(options).some((outcome) => isCut(state, outcome)),
  };
}

function mapGroups(grants: readonly Grant[], options: PolicyOptions): Widened {
  if (!options.mapDeprecatedGroups) return { grants, widenings: [] };
  const added: Grant[] = [];
  const widenings: Widening[] = [];
  for (const grant of grants) {
    const apiGroup = replacedGroup(grant);
    if (apiGroup === undefined) continue;
    added.push({ ...grant, apiGroup, evidence: derivedEvidence(grant.evidence) });
    widenings.push({ kind: 'deprecated-group', what: `${grant.resource} of ${apiGroup}`, replaced: 0 });
  }
  return { grants: unique([...grants, ...added]), widenings };
}

function overflowWidenings(state: SubjectState, context: Context): Widening[] {
  const widenings: Widening[] = [];
  for (const rule of state.allowed.rules.values()) {
    const whole = cellsOfRule(rule, 'allowed').find(({ isOverflow }) => isOverflow);
    if (!whole) continue;
    const grant = { ...whole.cell, evidence: whole.evidence };
    const found = classOf(grant, factsOf(grant, context), context);
    if (found && !isOutlived(grant, found, context)) continue;
    widenings.push({ kind: 'names-overflow', what: describeCell(whole.cell), replaced: 0 });
  }
  return widenings;
}

/** Whether a cap left something out that no wider rule makes up for. */
function isCut(state: SubjectState, outcome: Outcome): boolean {
  const { rules, overflow } = state[outcome];
  if (overflow !== undefined) return true;
  return [...rules.values()].some((rule) => rule.overflow !== undefined && !isWidenedByCap(rule, outcome));
}
