import { type ActivityDay, activityDayOf, type ActivityState, talliesOf } from '@leastwise/activity';
import { subjectKey } from '@leastwise/audit-event';
import { type ClusterState, DAY_US, type Evidence, type RuleSet } from '@leastwise/rbac';

import type { Batch, Deltas, SeenIdentities } from './types.ts';

/** Days beyond this one hold no time that is a safe integer of microseconds. */
export const MAX_DAY = Math.ceil(Number.MAX_SAFE_INTEGER / DAY_US);
/** All bits that a bit set over client kinds can have without becoming negative. */
export const MAX_CLIENTS = 0x7fffffff;

const MAX_HALF = 0xffffffff;

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function isDay(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= MAX_DAY;
}

function mustBe(holds: boolean, what: string): void {
  if (!holds) throw new TypeError(`a batch must have ${what}`);
}

function checkEvidence(evidence: Evidence | undefined): void {
  if (!evidence) return;
  const { count, firstSeenUs, lastSeenUs, days, grantingBindings, clients } = evidence;
  mustBe(isWhole(count, Number.MAX_SAFE_INTEGER), 'whole counts');
  mustBe(
    Number.isSafeInteger(firstSeenUs) && Number.isSafeInteger(lastSeenUs),
    'times in whole microseconds',
  );
  mustBe(isWhole(clients, MAX_CLIENTS), 'client kinds as a bit set');
  let previous = -Infinity;
  for (const day of days) {
    mustBe(isDay(day) && day > previous, 'days in ascending order');
    previous = day;
  }
  let above: string | undefined;
  for (const { key, lastDay } of grantingBindings) {
    mustBe(isDay(lastDay) && (above === undefined || key > above), 'bindings in ascending order, with days');
    above = key;
  }
}

function checkRules(set: RuleSet): void {
  for (const rule of set.rules.values()) {
    for (const evidence of rule.names.values()) checkEvidence(evidence);
    checkEvidence(rule.overflow);
  }
  checkEvidence(set.overflow);
}

function checkCluster(name: string, state: ClusterState): void {
  mustBe(state.cluster === name, 'every cluster under its name');
  const span = [state.firstSeenUs, state.lastSeenUs];
  mustBe(span.every(Number.isSafeInteger), 'times in whole microseconds');
  for (const { lastSeenUs, lastLiveUs, lastDeletedUs } of state.namespaces.values()) {
    const times = [lastSeenUs, lastLiveUs, lastDeletedUs];
    mustBe(times.every(Number.isSafeInteger), 'times in whole microseconds');
  }
  for (const [key, { subject, allowed, denied }] of state.subjects) {
    mustBe(key === subjectKey(subject), 'every subject under its key');
    checkRules(allowed);
    checkRules(denied);
  }
  checkEvidence(state.subjectsOverflow);
}

function checkIdentities(identities: SeenIdentities): void {
  for (const { hi, lo, hour } of identities) {
    mustBe(isWhole(hi, MAX_HALF) && isWhole(lo, MAX_HALF), 'identities of two unsigned 32-bit halves');
    mustBe(Number.isSafeInteger(hour), 'whole hours');
  }
}

/** Whether deltas add nothing at all. */
export function isEmpty(deltas: Deltas): boolean {
  return (
    deltas.clusters.size === 0 &&
    deltas.activity.size === 0 &&
    deltas.counted.length === 0 &&
    deltas.resolved.length === 0 &&
    deltas.received.length === 0 &&
    deltas.watermarks.size === 0 &&
    deltas.tally.late === 0 &&
    deltas.tally.lost === 0
  );
}

function checkActivity(name: string, state: ActivityState): void {
  mustBe(state.cluster === name, 'every cluster under its name');
  for (const window of state.windows.values()) {
    mustBe(Number.isSafeInteger(window.number), 'windows with numbers');
    const sums = [...(window.found?.values() ?? []), ...Array.from(talliesOf(window), ([, tally]) => tally)];
    for (const { count, firstUs, lastUs } of sums) {
      mustBe(isWhole(count, Number.MAX_SAFE_INTEGER), 'whole counts');
      mustBe(Number.isSafeInteger(firstUs) && Number.isSafeInteger(lastUs), 'times in whole microseconds');
    }
  }
  for (const [number, day] of state.days) {
    mustBe(day.day === number, 'every day under its number');
    checkDay(day);
    checkMatches(day);
  }
}

function checkMatches({ day, matches }: ActivityDay): void {
  for (const { plain, keyed } of matches.values()) {
    const ofKeys = [...keyed.values()].flatMap((keys) => [...keys.values()].map(({ all }) => all));
    for (const { count, firstUs, lastUs, gist } of [...plain.values(), ...ofKeys]) {
      mustBe(isWhole(count, Number.MAX_SAFE_INTEGER), 'whole counts');
      const times = gist === undefined ? [] : [firstUs, lastUs, gist.us];
      const isOfDay = times.every((us) => Number.isSafeInteger(us) && activityDayOf(us) === day);
      mustBe(isOfDay, 'every request on its day');
    }
  }
}

function checkDay({ day, otherClients, actors }: ActivityDay): void {
  mustBe(isDay(day), 'days with numbers');
  const counts = [otherClients.requests, otherClients.refused];
  for (const actor of [actors.other, ...actors.values()]) {
    counts.push(actor.discovery, actor.secretReads);
    for (const { requests, refused, changes } of actor.tempos.values())
      counts.push(requests, refused, changes);
    for (const { atUs } of actor.traces.values()) {
      mustBe(Number.isSafeInteger(atUs) && activityDayOf(atUs) === day, 'every request on its day');
    }
  }
  mustBe(
    counts.every((count) => isWhole(count, Number.MAX_SAFE_INTEGER)),
    'whole counts',
  );
}

/**
 * Refuses a batch that could not be merged whole, or that would make a state nobody can read back.
 * @throws TypeError as only a bug can make such a batch.
 */
export function checkBatch({ from, to, deltas }: Batch): void {
  mustBe(from !== to || isEmpty(deltas), 'a new position to go with what it adds');
  checkIdentities(deltas.counted);
  checkIdentities(deltas.resolved);
  checkIdentities(deltas.received);
  for (const us of deltas.watermarks.values())
    mustBe(Number.isSafeInteger(us), 'times in whole microseconds');
  const { late, lost } = deltas.tally;
  mustBe(isWhole(late, Number.MAX_SAFE_INTEGER) && isWhole(lost, Number.MAX_SAFE_INTEGER), 'whole counts');
  for (const [name, state] of deltas.clusters) checkCluster(name, state);
  for (const [name, state] of deltas.activity) checkActivity(name, state);
}
