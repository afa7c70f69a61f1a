import {
  type ActivityDay,
  type ActivityState,
  type ActivityWindow,
  addTally,
  cellKeyOf,
  dayFor,
  emptyActivity,
  type Tally,
  windowFor,
  windowStartUs,
} from '@leastwise/activity';
import { subjectKey } from '@leastwise/audit-event';
import {
  type ClusterState,
  emptyCluster,
  type Evidence,
  type RuleSet,
  type RuleState,
  type SubjectState,
} from '@leastwise/rbac';
import {
  encodeActor,
  encodeDay,
  evidenceText,
  Fields,
  Malformed,
  readActor,
  readDay,
  readEvidence,
  readTraces,
  tracesText,
} from '@leastwise/state';

import { readSubjectKind } from './clusters-reader.ts';
import { KEPT_KIND } from './partition-windows.ts';
import { foundText, readFound } from './segment-found.ts';

/*
 * A segment is what one commit adds, as one text. Lists in JSON, in which `…` says that what is before it comes any number
 * of times:
 *
 *   segment    [[cluster …], [activity …], [days …], [found …]], without the last one where it was written before layout 7,
 *              and without the last two where before layout 6
 *   cluster    [name, firstSeenUs, lastSeenUs, whether namespaces overflowed, subjects' overflow, namespaces,
 *              [subject …]]
 *   namespaces [name, lastSeenUs, lastLiveUs, lastDeletedUs …]
 *   subject    [kind, namespace, name, overflow of allowed rules, overflow of denied rules, [allowed rule …],
 *              [denied rule …]]
 *   rule       [verb, apiGroup, resource, namespace, overflow, name, evidence …]
 *   activity   [name of a cluster, window …]
 *   window     [number, cells of `other`, subject's key, its cells …], of five minutes
 *   days       [name of a cluster, day …]
 *   day        [number, [what it says of nobody in particular], [subject's key, [counts], [shape …], [request …]] …], as
 *              day-codec.ts of the state has them
 *   found      as segment-found.ts has it
 *   cells      [code, count, first time, last time …], times in microseconds from the window's start
 *
 * Nothing is ever looked up in it: it is written once, and read once or not at all.
 */

/** What a segment adds. */
export interface SegmentContent {
  readonly clusters: ReadonlyMap<string, ClusterState>;
  readonly activity: ReadonlyMap<string, ActivityState>;
}

function optionalText(evidence: Evidence | undefined): string {
  return evidence === undefined ? 'null' : evidenceText(evidence);
}

function listed<T>(values: Iterable<T>, textOf: (value: T) => string): string {
  let text = '[';
  for (const value of values) {
    if (text !== '[') text += ',';
    text += textOf(value);
  }
  return `${text}]`;
}

function ruleText(rule: RuleState): string {
  const { verb, apiGroup, resource, namespace, overflow } = rule;
  let text = `${JSON.stringify([verb, apiGroup, resource, namespace]).slice(0, -1)},${optionalText(overflow)}`;
  for (const [name, evidence] of rule.names) {
    text += name === '' ? ',""' : `,${JSON.stringify(name)}`;
    text += `,${evidenceText(evidence)}`;
  }
  return `${text}]`;
}

function subjectText({ subject, allowed, denied }: SubjectState): string {
  const { kind, namespace, name } = subject;
  const who = JSON.stringify([kind, namespace, name]).slice(0, -1);
  const overflows = `${optionalText(allowed.overflow)},${optionalText(denied.overflow)}`;
  const rules = ({ rules: all }: RuleSet): string => (all.size === 0 ? '[]' : listed(all.values(), ruleText));
  return `${who},${overflows},${rules(allowed)},${rules(denied)}]`;
}

function cellsText(cells: ReadonlyMap<number, Tally>, startUs: number): string {
  return listed(cells, ([code, { count, firstUs, lastUs }]) => {
    return `${code},${count},${firstUs - startUs},${lastUs - startUs}`;
  });
}

function windowText({ kind, number, subjects, other }: ActivityWindow): string {
  const startUs = windowStartUs(kind, number);
  let text = `[${number},${cellsText(other, startUs)}`;
  for (const [subject, cells] of subjects) text += `,${JSON.stringify(subject)},${cellsText(cells, startUs)}`;
  return `${text}]`;
}

function activityText({ cluster, windows }: ActivityState): string {
  let text = `[${JSON.stringify(cluster)}`;
  for (const window of windows.values()) if (window.kind === KEPT_KIND) text += `,${windowText(window)}`;
  return `${text}]`;
}

function dayText(day: ActivityDay): string {
  let text = `[${day.day},${JSON.stringify(encodeDay(day))}`;
  for (const [key, actor] of day.actors.entries()) {
    const counts = JSON.stringify(encodeActor(day.day, actor));
    text += `,[${JSON.stringify(key)},${counts},${tracesText(day.day, actor.traces)}]`;
  }
  return `${text}]`;
}

function daysText({ cluster, days }: ActivityState): string {
  let text = `[${JSON.stringify(cluster)}`;
  for (const day of days.values()) text += `,${dayText(day)}`;
  return `${text}]`;
}

function clusterText(state: ClusterState): string {
  const { cluster, firstSeenUs, lastSeenUs, namespacesOverflow, subjectsOverflow } = state;
  const namespaces = listed(
    state.namespaces,
    ([name, at]) => `${JSON.stringify(name)},${at.lastSeenUs},${at.lastLiveUs},${at.lastDeletedUs}`,
  );
  const head = `${JSON.stringify(cluster)},${firstSeenUs},${lastSeenUs},${namespacesOverflow ? 1 : 0}`;
  const subjects = listed(state.subjects.values(), subjectText);
  return `[${head},${optionalText(subjectsOverflow)},${namespaces},${subjects}]`;
}

/** What a batch adds to clusters and windows, as bytes. The inverse of {@link readSegment}. */
export function encodeSegment({ clusters, activity }: SegmentContent): Buffer {
  const withDays = [...activity.values()].filter(({ days }) => days.size > 0);
  const texts = [
    listed(clusters.values(), clusterText),
    listed(activity.values(), activityText),
    listed(withDays, daysText),
    foundText(activity),
  ];
  return Buffer.from(`[${texts.join(',')}]`);
}

function readRule(fields: Fields): RuleState {
  const rule: RuleState = {
    verb: fields.string(),
    apiGroup: fields.string(),
    resource: fields.string(),
    namespace: fields.string(),
    names: new Map(),
    overflow: undefined,
  };
  const overflow = fields.optionalList();
  rule.overflow = overflow && readEvidence(overflow);
  while (fields.more()) rule.names.set(fields.string(), readEvidence(fields.list()));
  return rule;
}

function readRules(set: RuleSet, fields: Fields): void {
  while (fields.more()) {
    const rule = readRule(fields.list());
    set.rules.set([rule.verb, rule.apiGroup, rule.resource, rule.namespace].join('\0'), rule);
  }
}

function readSubject(fields: Fields): SubjectState {
  const kind = readSubjectKind(fields);
  const subject = { kind, namespace: fields.string(), name: fields.string() };
  const [allowed, denied] = [fields.optionalList(), fields.optionalList()];
  const state: SubjectState = {
    subject,
    allowed: { rules: new Map(), overflow: allowed && readEvidence(allowed) },
    denied: { rules: new Map(), overflow: denied && readEvidence(denied) },
  };
  readRules(state.allowed, fields.list());
  readRules(state.denied, fields.list());
  fields.end();
  return state;
}

function readWindow(activity: ActivityState, fields: Fields): void {
  const window = windowFor(activity, KEPT_KIND, fields.integer());
  const startUs = windowStartUs(KEPT_KIND, window.number);
  const readCells = (subject: string | undefined, cells: Fields): void => {
    while (cells.more()) {
      const key = cellKeyOf(cells.integer(0), subject);
      const count = cells.integer(0);
      const tally = { count, firstUs: startUs + cells.integer(), lastUs: startUs + cells.integer() };
      if (!addTally(window, key, tally)) throw new Malformed('a cell of an unknown kind');
    }
  };
  readCells(undefined, fields.list());
  while (fields.more()) readCells(fields.string(), fields.list());
}

function readCluster(fields: Fields): ClusterState {
  const cluster = emptyCluster(fields.string());
  cluster.firstSeenUs = fields.integer();
  cluster.lastSeenUs = fields.integer();
  cluster.namespacesOverflow = fields.integer(0, 1) === 1;
  const overflow = fields.optionalList();
  cluster.subjectsOverflow = overflow && readEvidence(overflow);
  const namespaces = fields.list();
  while (namespaces.more()) {
    cluster.namespaces.set(namespaces.string(), {
      lastSeenUs: namespaces.integer(),
      lastLiveUs: namespaces.integer(),
      lastDeletedUs: namespaces.integer(),
    });
  }
  const subjects = fields.list();
  while (subjects.more()) {
    const state = readSubject(subjects.list());
    cluster.subjects.set(subjectKey(state.subject), state);
  }
  fields.end();
  return cluster;
}

function readDayOf(state: ActivityState, fields: Fields): void {
  const day = dayFor(state.days, fields.integer());
  const head = fields.list();
  readDay(day, head);
  head.end();
  while (fields.more()) {
    const actor = fields.list();
    const key = actor.string();
    const counts = actor.list();
    readActor(day, key, counts);
    counts.end();
    readTraces(day, key, actor);
    actor.end();
  }
}

function readDays(activity: Map<string, ActivityState>, fields: Fields): void {
  while (fields.more()) {
    const days = fields.list();
    const cluster = days.string();
    const state = activity.get(cluster) ?? emptyActivity(cluster);
    activity.set(cluster, state);
    while (days.more()) readDayOf(state, days.list());
  }
}

/**
 * The inverse of {@link encodeSegment}.
 * @param parts - `windows` leaves days out, for those who have no use for them
 * @throws Malformed
 */
export function readSegment(bytes: Buffer, parts: 'all' | 'windows' = 'all'): SegmentContent {
  const clusters = new Map<string, ClusterState>();
  const activity = new Map<string, ActivityState>();
  const fields = Fields.parse(bytes.toString());
  const [states, activities] = [fields.list(), fields.list()];
  const days = fields.more() ? fields.list() : undefined;
  const found = fields.more() ? fields.list() : undefined;
  fields.end();
  while (states.more()) {
    const cluster = readCluster(states.list());
    clusters.set(cluster.cluster, cluster);
  }
  while (activities.more()) {
    const windows = activities.list();
    const state = emptyActivity(windows.string());
    while (windows.more()) readWindow(state, windows.list());
    activity.set(state.cluster, state);
  }
  if (days !== undefined && parts === 'all') readDays(activity, days);
  if (found !== undefined) readFound(activity, found, parts);
  return { clusters, activity };
}
