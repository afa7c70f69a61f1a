import { impliedGroups } from '@leastwise/audit-event';

import { type Authorizer, createAuthorizer } from './authorizer/index.ts';
import { DAY_US, dayOf, derivedEvidence } from './evidence.ts';
import { describeCell, type Grant, groupBy, targetKey, unique, type Widened } from './grant.ts';
import type { PolicyOptions } from './options.ts';
import type { Cell, Exception, ExceptionClass, Widening } from './policy.ts';
import type {
  ClusterState,
  Evidence,
  NamespaceState,
  RbacObject,
  RuleSet,
  RuleState,
  SubjectState,
} from './types.ts';
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

/** Every cell of a rule with its evidence; what the names' cap left out comes as one unnamed cell. */
export function cellsOfRule(rule: RuleState): { cell: Cell; evidence: Evidence; isOverflow: boolean }[] {
  const { verb, apiGroup, resource, namespace } = rule;
  const isUrl = resource === '';
  const cells = [...rule.names].map(([name, evidence]) => ({
    cell: { verb, apiGroup, resource, namespace, name: isUrl ? '' : name, path: isUrl ? name : '' },
    evidence,
    isOverflow: false,
  }));
  if (rule.overflow && !isUrl && !isSpecialVerb(rule)) {
    const cell = { verb, apiGroup, resource, namespace, name: '', path: '' };
    cells.push({ cell, evidence: rule.overflow, isOverflow: true });
  }
  return cells;
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
  if (cell.namespace !== '' && isNamespaceGone(cell.namespace, context.cluster, options)) {
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

/**
 * The observed cells by rule. Those of refused requests, where they count, are summed with the allowed
 * ones; so is what a request needs besides, since it is as recent and as allowed as the request.
 */
function observedRules(state: SubjectState, options: PolicyOptions): Grant[][] {
  const rules = setsOf(state, options).flatMap((set) => [...set.rules.values()].map(grantsOfRule));
  const secondary = rules
    .flat()
    .flatMap(({ evidence, ...cell }) =>
      secondaryCells(cell, options).map((each) => ({ ...each, evidence: derivedEvidence(evidence) })),
    );
  if (!options.includeDenied && secondary.length === 0) return rules;
  const cells = unique([...rules.flat(), ...secondary]);
  return [...groupBy(cells, (grant) => `${targetKey(grant)}\0${grant.namespace}`).values()];
}

function grantsOfRule(rule: RuleState): Grant[] {
  const grants = cellsOfRule(rule).map(({ cell, evidence }) => ({ ...cell, evidence }));
  // The overflow may stand beside requests without a name: then both are the unnamed cell.
  return rule.overflow && rule.names.has('') ? unique(grants) : grants;
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
      const { evidence, ...cell } = grant;
      exceptions.push({ class: found[0], cell, detail: found[1], evidence });
    }
  };
  for (const observed of observedRules(state, options)) classifyRule(observed);
  const mapped = options.mapDeprecatedGroups ? mapGroups(grants) : { grants, widenings: [] };
  return {
    grants: mapped.grants,
    exceptions,
    widenings: [...mapped.widenings, ...overflowWidenings(state, context)],
    isIncomplete: setsOf(state, options).some(isCut),
  };
}

function mapGroups(grants: readonly Grant[]): Widened {
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
  for (const { rules } of setsOf(state, context.options)) {
    for (const rule of rules.values()) {
      const whole = cellsOfRule(rule).find(({ isOverflow }) => isOverflow);
      if (!whole) continue;
      const grant = { ...whole.cell, evidence: whole.evidence };
      if (classOf(grant, factsOf(grant, context), context)) continue;
      widenings.push({ kind: 'names-overflow', what: describeCell(whole.cell), replaced: 0 });
    }
  }
  return widenings;
}

/** Whether a cap left something out that no wider rule makes up for. */
function isCut(set: RuleSet): boolean {
  if (set.overflow !== undefined) return true;
  return [...set.rules.values()].some(
    (rule) => rule.overflow !== undefined && (rule.resource === '' || isSpecialVerb(rule)),
  );
}
