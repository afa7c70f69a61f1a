import { impliedGroups, type Subject, subjectKey } from '@leastwise/audit-event';

import { objectKey } from '../approved/object-key.ts';
import { type Authorizer, boundSubject, createAuthorizer } from '../authorizer/index.ts';
import { bootstrapDefaults } from '../bootstrap/index.ts';
import { cellsOfRule, type Period, retentionPeriod, secondaryCells } from '../classify.ts';
import { cellKey } from '../grant.ts';
import type { PolicyOptions } from '../options.ts';
import type { ClusterState, RbacObject, SubjectState } from '../types.ts';
import type { KnownResource } from './built-in.ts';
import { scoreSubject, type SubjectScore } from './score-subject.ts';
import { Universe } from './universe.ts';
import type { SightOf } from './sight.ts';
import type { UsedCell } from './usage.ts';

/** One cluster: who did what in it, and the RBAC that there is. */
export interface ClusterScoreInput {
  readonly cluster: ClusterState;
  /** All RBAC of the cluster. The bootstrap defaults are added where it does not have them. */
  readonly rbac: readonly RbacObject[];
  /** What was used counts within the retention; besides, the version of Kubernetes counts. */
  readonly options: PolicyOptions;
  /** What the cluster's discovery lists; without it, what Kubernetes serves by default. */
  readonly discovery?: readonly KnownResource[];
  /** The cluster's namespaces; without them, those that were seen and those that RBAC is in. */
  readonly namespaces?: readonly string[];
  /** What the cluster's audit policy lets one see of each subject; without it everything counts as logged. */
  readonly sightOf?: (subject: Subject) => SightOf;
}

interface Scored {
  readonly subject: Subject;
  /** All that its requests came with, as far as it is known. */
  readonly groups: readonly string[];
  readonly used: readonly UsedCell[];
  /** Whether some of what it used was too much to keep. */
  readonly isIncomplete: boolean;
}

/** Cells without repetition, with their requests summed up. */
function uniqueCells(used: Iterable<UsedCell>): UsedCell[] {
  const byKey = new Map<string, UsedCell>();
  for (const each of used) {
    const key = cellKey(each.cell);
    const known = byKey.get(key);
    byKey.set(key, {
      cell: each.cell,
      count: each.count + (known?.count ?? 0),
      viaRbac: each.viaRbac || (known?.viaRbac ?? false),
      isAnyName: each.isAnyName || (known?.isAnyName ?? false),
    });
  }
  return [...byKey.values()];
}

function scored(state: SubjectState, period: Period, options: PolicyOptions): Scored {
  const groups = new Set(impliedGroups(state.subject));
  const used: UsedCell[] = [];
  for (const rule of state.allowed.rules.values()) {
    for (const { cell, evidence, isOverflow } of cellsOfRule(rule, 'allowed')) {
      if (!evidence.days.some((day) => day >= period.firstDay && day <= period.lastDay)) continue;
      for (const group of evidence.grantingGroups) groups.add(group);
      const { count, viaRbac } = evidence;
      for (const each of [cell, ...secondaryCells(cell, options)]) {
        used.push({ cell: each, count, viaRbac, isAnyName: isOverflow });
      }
    }
  }
  const isIncomplete = state.allowed.overflow !== undefined;
  return { subject: state.subject, groups: [...groups].sort(), used: uniqueCells(used), isIncomplete };
}

/** Whom bindings bind, by binding and subject. */
function boundIn(objects: readonly RbacObject[]): Map<string, Subject> {
  const bound = new Map<string, Subject>();
  for (const object of objects) {
    if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') continue;
    for (const listed of object.subjects) {
      const subject = boundSubject(listed, object);
      if (subject) bound.set(`${objectKey(object)}\0${subjectKey(subject)}`, subject);
    }
  }
  return bound;
}

/** Whom bindings bind, but for what the API server binds by itself. */
function boundSubjects(rbac: readonly RbacObject[], defaults: readonly RbacObject[]): Subject[] {
  const own = boundIn(defaults);
  return [...boundIn(rbac)].filter(([key]) => !own.has(key)).map(([, subject]) => subject);
}

/** Those bound whom nobody saw: a group used what its members did, as far as its own grants allow it. */
function unseenSubject(subject: Subject, seen: readonly Scored[]): Scored {
  if (subject.kind !== 'Group') {
    return { subject, groups: [...impliedGroups(subject)], used: [], isIncomplete: false };
  }
  const members = seen.filter(({ groups }) => groups.includes(subject.name));
  return {
    subject,
    groups: [],
    used: uniqueCells(members.flatMap(({ used }) => used)),
    isIncomplete: members.some(({ isIncomplete }) => isIncomplete),
  };
}

interface Judges {
  readonly authorizer: Authorizer;
  readonly defaults: Authorizer;
  readonly universe: Universe;
  readonly sightOf: ClusterScoreInput['sightOf'];
}

function scoreOne(one: Scored, { authorizer, defaults, universe, sightOf }: Judges): SubjectScore {
  const { subject, groups, used, isIncomplete } = one;
  const score = scoreSubject({
    subject,
    granted: authorizer.rulesFor(subject, groups),
    defaults: defaults.rulesFor(subject, impliedGroups(subject)),
    used,
    universe,
    ...(sightOf === undefined ? {} : { sightOf: sightOf(subject) }),
  });
  // What members hold by their own names is no matter of their group.
  const uncovered = subject.kind === 'Group' ? [] : score.uncovered;
  return { ...score, uncovered, isAtLeast: score.isAtLeast || isIncomplete };
}

/** Worst first: the lowest score, then the most that is unused; those without a score last. */
function byScore(a: SubjectScore, b: SubjectScore): number {
  const rank = ({ score }: SubjectScore): number => score ?? Infinity;
  if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1;
  const unused = ({ granted, used, unobservable }: SubjectScore): bigint => granted - used - unobservable;
  const [unusedA, unusedB] = [unused(a), unused(b)];
  if (unusedA !== unusedB) return unusedA > unusedB ? -1 : 1;
  return subjectKey(a.subject) < subjectKey(b.subject) ? -1 : 1;
}

/**
 * How much of what they hold all subjects of a cluster used: everybody who was seen, and everybody whom bindings bind.
 * A subject has what its own name is bound to and what its groups are: those that it is always in, and those that the
 * API server named as granted. A group is scored by its own bindings and by what its members used. Worst first.
 * @remarks Pure; the order of the input makes no difference.
 */
export function scoreCluster(input: ClusterScoreInput): SubjectScore[] {
  const { cluster, rbac, options, discovery, namespaces, sightOf } = input;
  const period = retentionPeriod(cluster, options);
  const defaults = bootstrapDefaults(options.kubernetesVersion);
  const seen = [...cluster.subjects.values()].map((state) => scored(state, period, options));
  const all = [...defaults, ...rbac];
  const judges: Judges = {
    authorizer: createAuthorizer(all),
    defaults: createAuthorizer(defaults),
    universe: new Universe({
      discovery,
      namespaces: namespaces ?? cluster.namespaces.keys(),
      rbac: all,
      used: seen.flatMap(({ used }) => used.map(({ cell }) => cell)),
    }),
    sightOf,
  };
  const byKey = new Map(seen.map((each) => [subjectKey(each.subject), each]));
  for (const subject of boundSubjects(rbac, defaults)) {
    const key = subjectKey(subject);
    if (!byKey.has(key)) byKey.set(key, unseenSubject(subject, seen));
  }
  return [...byKey.values()].map((one) => scoreOne(one, judges)).sort(byScore);
}
