import {
  type ActivityDay,
  type ActivityState,
  addTally,
  dayFor,
  emptyActivity,
  type KeptTrace,
  talliesOf,
  WINDOW_KINDS,
  windowFor,
} from '@leastwise/activity';
import { subjectKey } from '@leastwise/audit-event';
import {
  type ClusterState,
  emptyCluster,
  mergeCluster,
  type RuleSet,
  type RuleState,
  type SubjectState,
} from '@leastwise/rbac';

import { MAX_DAY } from './checks.ts';
import {
  encodeActor,
  encodeDay,
  readActor,
  readDay,
  readTraces,
  tracesByHour,
  tracesText,
} from './day-codec.ts';
import { encodeEvidence, readEvidence } from './evidence-codec.ts';
import { type Fields, Malformed } from './fields.ts';
import { encodeMatches, encodeTold, readMatches, readTold } from './match-codec.ts';

/*
 * Clusters as lines of JSON, each a list that begins with its kind:
 *
 *   ["cluster", name, firstSeenUs, lastSeenUs, whether namespaces overflowed, subjects' overflow]
 *   ["namespace", name, lastSeenUs, lastLiveUs, lastDeletedUs]
 *   ["subject", kind, namespace, name, overflow of allowed rules, overflow of denied rules]
 *   ["allowed" or "denied", verb, apiGroup, resource, namespace, overflow, [name, evidence, name, evidence, …]]
 *   ["window", kind, number, [cell, count, firstUs, lastUs, cell, …]], and where there is any, what is to be told of it
 *   ["day", day, …], ["actor", day, subject's key, …], ["traces", day, subject's key, hour, …], as in day-codec.ts
 *   ["matches", day, subject's key, …], as in match-codec.ts
 *
 * A namespace, subject, window or day belongs to the cluster above it, a rule to the subject above it. All are
 * sorted by code units, so the same clusters have the same lines; a line holds one rule at most, so
 * neither side ever has much of a state in memory twice.
 */

type Outcome = 'allowed' | 'denied';

function byKey<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function orderOf(outcome: Outcome, rule: Omit<RuleState, 'names' | 'overflow'>): string {
  return [outcome, rule.verb, rule.apiGroup, rule.resource, rule.namespace].join('\0');
}

function* ruleLines(outcome: Outcome, set: RuleSet): Generator<string, void> {
  const rules = new Map<string, RuleState>();
  for (const rule of set.rules.values()) rules.set(orderOf(outcome, rule), rule);
  for (const [, rule] of byKey(rules)) {
    const names = byKey(rule.names).flatMap(([name, evidence]) => [name, encodeEvidence(evidence)]);
    const { verb, apiGroup, resource, namespace } = rule;
    yield JSON.stringify([
      outcome,
      verb,
      apiGroup,
      resource,
      namespace,
      encodeEvidence(rule.overflow),
      names,
    ]);
  }
}

function* subjectLines({ subject, allowed, denied }: SubjectState): Generator<string, void> {
  const overflows = [encodeEvidence(allowed.overflow), encodeEvidence(denied.overflow)];
  yield JSON.stringify(['subject', subject.kind, subject.namespace, subject.name, ...overflows]);
  yield* ruleLines('allowed', allowed);
  yield* ruleLines('denied', denied);
}

function* windowLines({ windows }: ActivityState): Generator<string, void> {
  const sorted = [...windows.values()].sort(
    (a, b) => WINDOW_KINDS.indexOf(a.kind) - WINDOW_KINDS.indexOf(b.kind) || a.number - b.number,
  );
  for (const window of sorted) {
    const cells = byKey(new Map(talliesOf(window))).flatMap(([key, { count, firstUs, lastUs }]) => [
      key,
      count,
      firstUs,
      lastUs,
    ]);
    const told = encodeTold(window);
    yield JSON.stringify(['window', window.kind, window.number, cells, ...(told ? [told] : [])]);
  }
}

function* dayLines({ days }: ActivityState, identityOf: IdentityOf): Generator<string, void> {
  for (const day of [...days.values()].sort((a, b) => a.day - b.day)) {
    yield JSON.stringify(['day', day.day, ...encodeDay(day)]);
    for (const [key, actor] of day.actors.entries()) {
      yield JSON.stringify(['actor', day.day, key, ...encodeActor(day.day, actor)]);
      const traces = new Map([...actor.traces].map(([own, trace]) => [identityOf(own, trace), trace]));
      for (const [hour, ofHour] of tracesByHour(day.day, { traces })) {
        const where = JSON.stringify(['traces', day.day, key, hour]).slice(0, -1);
        yield `${where},${tracesText(day.day, ofHour)}]`;
      }
    }
    for (const [subject, matches] of day.matches.entries()) {
      yield JSON.stringify(['matches', day.day, subject, ...encodeMatches(day.day, matches)]);
    }
  }
}

/** What the lines say in the place of a request's identity. */
export type IdentityOf = (own: string, trace: KeptTrace) => string;

/** The lines of all clusters, with the activity in them. Read back by {@link ClusterReader}. */
export function* clusterLines(
  clusters: ReadonlyMap<string, ClusterState>,
  activity: ReadonlyMap<string, ActivityState> = new Map(),
  identityOf: IdentityOf = (own) => own,
): Generator<string, void> {
  // A cluster of which no request is counted yet may have had requests that are told in its days.
  const silent = [...activity.keys()].filter((name) => !clusters.has(name));
  for (const [name, cluster] of byKey(new Map([...clusters, ...silent.map(unseen)]))) {
    const { firstSeenUs, lastSeenUs, namespacesOverflow, subjectsOverflow } = cluster;
    const overflows = [namespacesOverflow ? 1 : 0, encodeEvidence(subjectsOverflow)];
    yield JSON.stringify(['cluster', name, firstSeenUs, lastSeenUs, ...overflows]);
    for (const [namespace, state] of byKey(cluster.namespaces)) {
      const times = [state.lastSeenUs, state.lastLiveUs, state.lastDeletedUs];
      yield JSON.stringify(['namespace', namespace, ...times]);
    }
    const active = activity.get(name);
    if (active) {
      yield* windowLines(active);
      yield* dayLines(active, identityOf);
    }
    for (const [, subject] of byKey(cluster.subjects)) yield* subjectLines(subject);
  }
}

function unseen(name: string): [string, ClusterState] {
  return [name, emptyCluster(name)];
}

/** Whether nothing is known of a cluster but its name. */
function isUnseen({ firstSeenUs, lastSeenUs, namespaces, subjects, ...cluster }: ClusterState): boolean {
  const isSilent = firstSeenUs === 0 && lastSeenUs === 0 && namespaces.size === 0 && subjects.size === 0;
  return isSilent && !cluster.subjectsOverflow && !cluster.namespacesOverflow;
}

/** Reads keys that must come in strictly ascending order, as they were written. */
class Ascending {
  #last: string | undefined;

  take(key: string): string {
    if (this.#last !== undefined && key <= this.#last) throw new Malformed('lines are out of order');
    this.#last = key;
    return key;
  }
}

/**
 * Takes the lines of {@link clusterLines} one by one and puts the clusters together. They are merged in
 * subject by subject, so that this version's caps hold for what another one wrote.
 */
export class ClusterReader {
  readonly clusters = new Map<string, ClusterState>();
  readonly activity = new Map<string, ActivityState>();
  readonly #names = new Ascending();
  #namespaces = new Ascending();
  #subjects = new Ascending();
  #rules = new Ascending();
  /** What was read of the last cluster and is not merged in yet: one subject at most. */
  #part: ClusterState | undefined;
  #subject: SubjectState | undefined;

  /** @throws Malformed */
  line(kind: string, fields: Fields): void {
    switch (kind) {
      case 'cluster':
        this.#readCluster(fields);
        break;
      case 'namespace':
        this.#readNamespace(fields);
        break;
      case 'window':
        this.#readWindow(fields);
        break;
      case 'day':
      case 'actor':
      case 'traces':
      case 'matches':
        this.#readDay(kind, fields);
        break;
      case 'subject':
        this.#readSubject(fields);
        break;
      case 'allowed':
      case 'denied':
        this.#readRule(kind, fields);
        break;
      default:
        throw new Malformed('a line of an unknown kind');
    }
    fields.end();
  }

  /** After the last line. */
  end(): void {
    this.#merge();
  }

  #merge(): void {
    if (!this.#part) return;
    const { cluster } = this.#part;
    if (isUnseen(this.#part) && !this.clusters.has(cluster)) return;
    const known = this.clusters.get(cluster) ?? emptyCluster(cluster);
    mergeCluster(known, this.#part, { ownership: 'take' });
    this.clusters.set(cluster, known);
    this.#part = emptyCluster(cluster);
  }

  #readCluster(fields: Fields): void {
    this.#merge();
    const part = emptyCluster(this.#names.take(fields.string()));
    part.firstSeenUs = fields.integer();
    part.lastSeenUs = fields.integer();
    part.namespacesOverflow = fields.integer(0, 1) === 1;
    const overflow = fields.optionalList();
    if (overflow) part.subjectsOverflow = readEvidence(overflow);
    this.#part = part;
    this.#subject = undefined;
    this.#namespaces = new Ascending();
    this.#subjects = new Ascending();
  }

  #readNamespace(fields: Fields): void {
    if (!this.#part || this.#subject) throw new Malformed('a namespace outside the head of a cluster');
    this.#part.namespaces.set(this.#namespaces.take(fields.string()), {
      lastSeenUs: fields.integer(),
      lastLiveUs: fields.integer(),
      lastDeletedUs: fields.integer(),
    });
  }

  #readWindow(fields: Fields): void {
    if (!this.#part || this.#subject) throw new Malformed('a window outside the head of a cluster');
    const text = fields.string();
    const kind = WINDOW_KINDS.find((each) => each === text);
    if (kind === undefined) throw new Malformed('a window of an unknown kind');
    const activity = this.#activityOf(this.#part);
    const window = windowFor(activity, kind, fields.integer());
    const cells = fields.list();
    while (cells.more()) {
      const key = cells.string();
      const tally = { count: cells.integer(0), firstUs: cells.integer(), lastUs: cells.integer() };
      if (!addTally(window, key, tally)) throw new Malformed('a cell of an unknown kind');
    }
    if (fields.more()) readTold(window, fields.list());
  }

  #activityOf({ cluster }: ClusterState): ActivityState {
    const activity = this.activity.get(cluster) ?? emptyActivity(cluster);
    this.activity.set(cluster, activity);
    return activity;
  }

  #readDay(kind: 'day' | 'actor' | 'traces' | 'matches', fields: Fields): void {
    if (!this.#part || this.#subject) throw new Malformed('a day outside the head of a cluster');
    const day: ActivityDay = dayFor(this.#activityOf(this.#part).days, fields.integer(-MAX_DAY, MAX_DAY));
    if (kind === 'day') {
      readDay(day, fields);
      return;
    }
    const key = fields.string();
    if (kind === 'actor') readActor(day, key, fields);
    else if (kind === 'matches') readMatches(day, key, fields);
    else {
      // The hour only parts long lists.
      fields.integer(0);
      readTraces(day, key, fields);
    }
  }

  #readSubject(fields: Fields): void {
    this.#merge();
    if (!this.#part) throw new Malformed('a subject outside a cluster');
    const kind = fields.string();
    if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') {
      throw new Malformed('a subject of an unknown kind');
    }
    const subject = { kind, namespace: fields.string(), name: fields.string() } as const;
    const key = this.#subjects.take(subjectKey(subject));
    this.#subject = { subject, allowed: readRuleSet(fields), denied: readRuleSet(fields) };
    this.#part.subjects.set(key, this.#subject);
    this.#rules = new Ascending();
  }

  #readRule(outcome: Outcome, fields: Fields): void {
    if (!this.#subject) throw new Malformed('a rule outside a subject');
    const rule: RuleState = {
      verb: fields.string(),
      apiGroup: fields.string(),
      resource: fields.string(),
      namespace: fields.string(),
      names: new Map(),
      overflow: undefined,
    };
    const overflow = fields.optionalList();
    if (overflow) rule.overflow = readEvidence(overflow);
    const pairs = fields.list();
    const names = new Ascending();
    while (pairs.more()) rule.names.set(names.take(pairs.string()), readEvidence(pairs.list()));
    const key = this.#rules.take(orderOf(outcome, rule));
    this.#subject[outcome].rules.set(key, rule);
  }
}

function readRuleSet(fields: Fields): RuleSet {
  const overflow = fields.optionalList();
  return { rules: new Map(), overflow: overflow && readEvidence(overflow) };
}
