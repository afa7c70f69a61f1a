import { isPerson } from '../detect/person.ts';
import { readUse } from '../traces/actor-activity.ts';
import type { CappedMap, Count } from '../traces/capped-map.ts';
import { readClientKey } from '../traces/client-key.ts';
import { compareText, isDiscovery } from '../traces/trace.ts';
import type { Actor } from './collect.ts';
import { commandRows } from './command-rows.ts';
import type { Command } from './commands/command.ts';
import type { ActorKind, More, OfficeHours, PersonReport } from './model.ts';
import type { Names } from './names.ts';

const MAX_FIRST_SEEN = 50;

/** What is needed besides the actor. */
export interface PeopleOptions {
  readonly names: Names;
  readonly officeHours: OfficeHours | undefined;
  /** Whether anything is known of the time before the period. */
  readonly hasHistory: boolean;
}

/** Whether an actor is a person, or a service account. */
export function kindOf({ subject }: Actor): ActorKind {
  return isPerson(subject) ? 'person' : 'serviceaccount';
}

function byRequests(a: readonly [string, Count], b: readonly [string, Count]): number {
  return b[1].requests - a[1].requests || compareText(a[0], b[0]);
}

function moreOf(map: CappedMap<Count>): More {
  // How many keys are beyond the cap is not known: only what they did.
  return { rows: map.other.requests === 0 ? 0 : 1, requests: map.other.requests };
}

function clientsOf({ counts }: Actor): PersonReport['clients'] {
  return counts.clients
    .entries()
    .sort(byRequests)
    .flatMap(([key, count]) => {
      const client = readClientKey(key);
      return client === undefined ? [] : [{ ...client, ...count }];
    });
}

function firstSeenOf({ counts, known }: Actor): NonNullable<PersonReport['firstSeen']> {
  return counts.used
    .entries()
    .filter(([key]) => !known.has(key))
    .map(([key, { firstUs }]) => ({ ...readUse(key), firstUs }))
    .sort(
      (a, b) => a.firstUs - b.firstUs || compareText(a.resource, b.resource) || compareText(a.verb, b.verb),
    );
}

function isSecretRead({ resource, verbClass }: Command): boolean {
  return resource === 'secrets' && (verbClass === 'read' || verbClass === 'list-watch');
}

function isDelete({ verbClass }: Command): boolean {
  return verbClass === 'delete' || verbClass === 'delete-collection';
}

/** What the report says of one actor. @param commands - all of the actor's, in time */
export function personReport(
  actor: Actor,
  commands: readonly Command[],
  options: PeopleOptions,
): PersonReport {
  const { names, officeHours, hasHistory } = options;
  const rows = (isWanted: (command: Command) => boolean) => commandRows(commands.filter(isWanted), names);
  const firstSeen = hasHistory ? firstSeenOf(actor) : undefined;
  const { counts, total, offHours, traces } = actor;
  const told = traces.filter((trace) => !isDiscovery(trace)).length;
  return {
    name: names.nameOf(actor.subject),
    kind: kindOf(actor),
    isMaster: counts.isMaster,
    requests: total.requests,
    refused: total.refused,
    firstUs: counts.firstUs,
    lastUs: counts.lastUs,
    discovery: counts.discovery,
    clients: clientsOf(actor),
    moreClients: moreOf(counts.clients),
    verbs: [...counts.verbs].sort(byRequests).map(([verb, count]) => ({ verb, ...count })),
    namespaces: counts.namespaces
      .entries()
      .sort(byRequests)
      .map(([namespace, count]) => ({ namespace: names.text(namespace), ...count })),
    moreNamespaces: moreOf(counts.namespaces),
    commands: commandRows(commands, names),
    refusedAttempts: rows(({ outcome }) => outcome === 'refused'),
    deletes: rows(isDelete),
    execs: rows(({ verbClass }) => verbClass === 'exec'),
    secretReads: rows(isSecretRead),
    firstSeen: firstSeen?.slice(0, MAX_FIRST_SEEN),
    moreFirstSeen: Math.max(0, (firstSeen?.length ?? 0) - MAX_FIRST_SEEN),
    offHours: officeHours && { ...offHours },
    // What was kept before a version counted it is told, and not counted.
    untold: Math.max(0, total.requests - told),
  };
}
