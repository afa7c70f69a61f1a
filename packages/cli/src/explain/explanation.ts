import { type Subject, subjectKey } from '@leastwise/audit-event';
import type { PolicyObservability, SubjectObservability } from '@leastwise/audit-policy';
import { WIDENING_TEXT } from '@leastwise/publish';
import {
  type BindingUsage,
  bindingUsageOf,
  type Cell,
  clientsOf,
  type ClusterState,
  createAuthorizer,
  dayOf,
  describeCell,
  type ExceptionClass,
  mergeEvidence,
  type PolicyOptions,
  type PolicyRule,
  type RbacObject,
  type SubjectPolicy,
  type SubjectState,
  totalOfRules,
  unseenNeeds,
  type Widening,
} from '@leastwise/rbac';

import { formatTime } from '../summary.ts';
import { type HeldBinding, heldBindings } from './held-rules.ts';
import { type ToldRefusal, toldRefusals } from './refusals.ts';
import { namedUsage, type NamedUsage, type Seen, SeenTeller, type SeenPermission } from './seen.ts';

/** Where more is granted than was seen. */
export interface ToldWidening extends Widening {
  /** For people. */
  readonly why: string;
}

/** A rule of the policy that the evidence gives, and what it rests on. */
export interface ToldRule {
  readonly role: { readonly kind: 'Role' | 'ClusterRole'; readonly namespace: string; readonly name: string };
  /** Where it is bound: `*` for the whole cluster, else namespaces. */
  readonly scopes: readonly string[];
  readonly rule: PolicyRule;
  readonly seen: Seen;
  /** Which of its permissions are wider than what was seen. */
  readonly widened: readonly ToldWidening[];
}

/** What was allowed and is not in the policy. */
export interface ToldException extends SeenPermission {
  readonly reason: ExceptionClass;
  /** For people; `''` where the reason says it all. */
  readonly detail: string;
}

/** When a subject was seen, and how often. */
export interface Sighting {
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** On how many days (UTC). */
  readonly days: number;
  readonly allowed: number;
  readonly refused: number;
  readonly clients: readonly string[];
  /** Groups that the API server named as granted. */
  readonly groups: readonly string[];
}

/** What the audit policy hides of a subject. */
export interface BlindSpots {
  /** Whether nothing of it is logged. */
  readonly isHidden: boolean;
  readonly reasons: readonly string[];
}

/** Why a subject has what it has. It is printed as JSON as it is: names and meanings are an interface. */
export interface Explanation {
  readonly subject: Subject;
  readonly cluster: string;
  /** The days that the evidence of the whole cluster spans, both ends included. */
  readonly evidenceDays: number;
  /** `null` where nothing was observed of the subject. */
  readonly seen: Sighting | null;
  /** Whether more rules were seen than are kept: then all below may lack some. */
  readonly isIncomplete: boolean;
  readonly rules: readonly ToldRule[];
  /** What was widened of the policy and is not of one rule. */
  readonly widened: readonly ToldWidening[];
  /** What the granted permissions may need besides, which no audit log shows. */
  readonly mayAlsoNeed: readonly { readonly permission: Cell; readonly needs: string }[];
  readonly notGranted: readonly ToldException[];
  readonly refused: readonly ToldRefusal[];
  /** Refused requests beyond those. */
  readonly moreRefused: number;
  /** Bindings that the API server named within the retention, and those that bind the subject and were not named. */
  readonly bindings: readonly NamedUsage[];
  readonly areMoreBindingsNamed: boolean;
  /** What the subject holds; `null` where the RBAC is not known. */
  readonly holds: readonly HeldBinding[] | null;
  /** `null` where the audit policy is not known. */
  readonly blindSpots: BlindSpots | null;
}

/** What an explanation is made of. */
export interface ExplanationInput {
  readonly subject: Subject;
  readonly cluster: ClusterState;
  /** As inferred from the subject's state; `undefined` where nothing was observed of it. */
  readonly inferred: { readonly state: SubjectState; readonly policy: SubjectPolicy } | undefined;
  readonly options: PolicyOptions;
  /** `undefined` where it is not known. */
  readonly rbac: readonly RbacObject[] | undefined;
  readonly auditPolicy: PolicyObservability | undefined;
}

const NO_RULES = { rules: new Map<string, never>(), overflow: undefined };

/** Explains one subject. Pure: the same input gives the same explanation. */
export function explain(input: ExplanationInput): Explanation {
  const { subject, cluster, inferred, options, rbac, auditPolicy } = input;
  const state = inferred?.state ?? { subject, allowed: NO_RULES, denied: NO_RULES };
  const sight = auditPolicy?.of(subject);
  const { usages = [], isCapped = false } =
    bindingUsageOf({ cluster: onlyWith(state, cluster), rbac: rbac ?? [], options }).get(
      subjectKey(subject),
    ) ?? {};
  const bindings = usages.map((usage) => namedUsage(usage, isBound(usage, input)));
  const holder = { state, cluster, options, named: bindings, sight };
  return {
    subject,
    cluster: cluster.cluster,
    evidenceDays: cluster.lastSeenUs > 0 ? dayOf(cluster.lastSeenUs) - dayOf(cluster.firstSeenUs) + 1 : 0,
    seen: inferred === undefined ? null : sightingOf(state),
    ...policyParts(inferred, { cluster, options, teller: new SeenTeller({ usages }) }),
    bindings,
    areMoreBindingsNamed: isCapped,
    holds: rbac === undefined ? null : heldBindings({ ...holder, rbac }),
    blindSpots: sight === undefined ? null : blindSpotsOf(sight),
  };
}

/** A binding that allowed a member of a group something need not be one of the group's. */
function isBound({ exists }: BindingUsage, { subject, rbac }: ExplanationInput): boolean | null {
  return rbac === undefined || (subject.kind === 'Group' && !exists) ? null : exists;
}

function onlyWith(state: SubjectState, cluster: ClusterState): ClusterState {
  return { ...cluster, subjects: new Map([[subjectKey(state.subject), state]]) };
}

function sightingOf({ allowed, denied }: SubjectState): Sighting {
  const [granted, refused] = [totalOfRules(allowed), totalOfRules(denied)];
  const all = { ...granted };
  mergeEvidence(all, refused);
  return {
    firstSeen: formatTime(all.firstSeenUs),
    lastSeen: formatTime(all.lastSeenUs),
    days: all.days.length,
    allowed: granted.count,
    refused: refused.count,
    clients: clientsOf(all),
    groups: all.grantingGroups,
  };
}

type PolicyParts = Pick<
  Explanation,
  'isIncomplete' | 'rules' | 'widened' | 'mayAlsoNeed' | 'notGranted' | 'refused' | 'moreRefused'
>;

const NO_POLICY: PolicyParts = {
  isIncomplete: false,
  rules: [],
  widened: [],
  mayAlsoNeed: [],
  notGranted: [],
  refused: [],
  moreRefused: 0,
};

function policyParts(
  inferred: ExplanationInput['inferred'],
  context: Parameters<typeof toldRefusals>[2],
): PolicyParts {
  if (inferred === undefined) return NO_POLICY;
  const { state, policy } = inferred;
  const { teller } = context;
  const widenings = policy.widenings.map((each) => ({ ...each, why: WIDENING_TEXT[each.kind] }));
  const rules = toldRules(policy, widenings, teller);
  const told = new Set(rules.flatMap(({ widened }) => widened));
  return {
    isIncomplete: policy.isIncomplete,
    rules,
    widened: widenings.filter((each) => !told.has(each)),
    mayAlsoNeed: unseenNeeds(policy.granted.map(({ cell }) => cell)).map(({ cell, needs }) => ({
      permission: cell,
      needs,
    })),
    notGranted: policy.exceptions.map(({ class: reason, cell, detail, evidence }) => ({
      ...{ reason, permission: cell, detail },
      seen: teller.tell(evidence),
    })),
    refused: toldRefusals(state, policy, context),
    moreRefused: policy.deniedOverflow,
  };
}

/** In the order of the objects. A rule of a role that several namespaces share is told once. */
function toldRules(
  policy: SubjectPolicy,
  widenings: readonly ToldWidening[],
  teller: SeenTeller,
): ToldRule[] {
  const granted = createAuthorizer(policy.objects).rulesFor(policy.subject, []);
  const widenedBy = new Map<string, ToldWidening[]>();
  for (const each of widenings) widenedBy.set(each.what, [...(widenedBy.get(each.what) ?? []), each]);
  return policy.objects.flatMap((object) => {
    if (!('rules' in object)) return [];
    const { kind, metadata } = object;
    const role = { kind, namespace: metadata.namespace ?? '', name: metadata.name };
    return policy.ruleEvidence
      .filter(({ rule }) => object.rules.includes(rule))
      .map(({ rule, evidence }) => {
        const scopes = granted.filter((each) => each.rule === rule).map(({ scope }) => scope);
        const targets = new Set(scopes.flatMap((scope) => targetsOf(rule, scope)));
        return {
          ...{ role, scopes, rule },
          seen: teller.tell(evidence),
          widened: [...targets].flatMap((target) => widenedBy.get(target) ?? []),
        };
      });
  });
}

/** What a rule grants but for names, as a widening names it. */
function targetsOf({ verbs, apiGroups = [], resources = [] }: PolicyRule, scope: string): string[] {
  const namespace = scope === '*' ? '' : scope;
  return apiGroups.flatMap((apiGroup) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => describeCell({ verb, apiGroup, resource, namespace, name: '', path: '' })),
    ),
  );
}

function blindSpotsOf({ isHidden, hiding }: SubjectObservability): BlindSpots {
  return { isHidden, reasons: hiding.map(({ reason }) => reason) };
}
