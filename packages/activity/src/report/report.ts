import { type Subject, subjectFromUsername } from '@leastwise/audit-event';

import { isPerson } from '../detect/person.ts';
import type { Actor, Collected } from './collect.ts';
import { changeRows, type DoneBy } from './command-rows.ts';
import type { Command } from './commands/command.ts';
import { inferCommands, plainCommands } from './commands/infer.ts';
import type { Detected } from './detected.ts';
import { dayText } from './local-time.ts';
import {
  type ActivityReport,
  type HeatDay,
  MAX_HEAT_DAYS,
  type PersonReport,
  type UnusualRow,
} from './model.ts';
import { type Names, namesFor } from './names.ts';
import { kindOf, personReport } from './people.ts';
import { compareText, UNKNOWN_NAME } from '../traces/trace.ts';
import { sortUnusual, unusualOf } from './unusual.ts';

const MAX_UNUSUAL = 200;
/** Stands for people in a report without them. */
const NOBODY = 'a-person';

/** An actor with what was made of the requests. */
interface Told {
  readonly actor: Actor;
  readonly commands: readonly Command[];
  readonly person: PersonReport;
}

/** Makes the report of what was collected. */
export function reportOf(
  collected: Collected,
  detected: readonly Detected[],
  notes: readonly string[],
): ActivityReport {
  const { options } = collected;
  const pseudonymOf = options.isWithoutPeople === true ? () => NOBODY : options.pseudonymOf;
  const names = namesFor(peopleOf(collected, detected), pseudonymOf);
  const told = toldBy(collected, names);
  const done = told.flatMap(({ actor, commands, person }) =>
    commands.map((command): DoneBy => ({ who: person.name, kind: kindOf(actor), command })),
  );
  const isLeftOut = ({ subject }: Detected): boolean =>
    options.isWithoutPeople === true && subject !== undefined && isPerson(subject);
  const found = detected.filter((each) => !isLeftOut(each)).map((each) => detectedRow(each, names));
  const unusual = sortUnusual([
    ...told.flatMap(({ person, commands }) =>
      unusualOf(person, commands, { names, officeHours: options.officeHours, found }),
    ),
    ...found,
  ]);
  return {
    cluster: options.cluster,
    period: periodOf(collected),
    timeZone: options.timeZone?.name ?? 'UTC',
    officeHours: options.officeHours,
    isPseudonymous: options.pseudonymOf !== undefined && options.isWithoutPeople !== true,
    hasAllClients: options.hasAllClients === true,
    totals: totalsOf(told, collected),
    heat: heatOf(collected),
    people: told.map(({ person }) => person),
    others: { ...collected.others },
    ...changeRows(done, names),
    unusual: unusual.slice(0, MAX_UNUSUAL),
    moreUnusual: Math.max(0, unusual.length - MAX_UNUSUAL),
    blindSpots: blindSpotsOf(collected, told, notes),
  };
}

/** All people whose names may stand in the report. */
function peopleOf(
  { actors, leftOut, options }: Collected,
  detected: readonly Detected[],
): ReadonlySet<string> {
  const people = new Set(leftOut);
  // Names are shown as they are: nothing is looked for.
  if (options.pseudonymOf === undefined && options.isWithoutPeople !== true) return people;
  const add = (subject: Subject | undefined): void => {
    if (subject !== undefined && isPerson(subject)) people.add(subject.name);
  };
  for (const { subject, others } of detected) for (const each of [subject, ...others]) add(each);
  for (const { subject, traces } of actors) {
    add(subject);
    for (const { as } of traces) if (as !== '' && as !== UNKNOWN_NAME) add(subjectFromUsername(as));
  }
  return people;
}

function detectedRow(detected: Detected, names: Names): UnusualRow {
  const { subject, severity, atUs, title, detection, untilUs, times, days, auditIDs } = detected;
  const who = subject === undefined ? '' : names.nameOf(subject);
  return {
    severity,
    atUs,
    who,
    title,
    why: names.text(detected.why),
    detection,
    untilUs,
    times,
    days,
    auditIDs,
  };
}

function toldBy({ actors, options, hasHistory }: Collected, names: Names): Told[] {
  const infer = options.hasAllClients === true ? mixedCommands : inferCommands;
  return actors
    .map((actor): Told => {
      const commands = infer(actor.traces);
      const person = personReport(actor, commands, { names, officeHours: options.officeHours, hasHistory });
      return { actor, commands, person };
    })
    .sort(
      ({ person: a }, { person: b }) =>
        compareText(a.kind, b.kind) || b.requests - a.requests || compareText(a.name, b.name),
    );
}

/** Of kubectl the commands, of all other clients their requests. */
function mixedCommands(traces: Parameters<typeof inferCommands>[0]): Command[] {
  const ofKubectl = traces.filter(({ isKubectl }) => isKubectl);
  const others = traces.filter(({ isKubectl }) => !isKubectl);
  return [...inferCommands(ofKubectl), ...plainCommands(others)].sort((a, b) => a.atUs - b.atUs);
}

function periodOf({ options, firstDay, lastDay }: Collected): ActivityReport['period'] {
  const from = options.fromDay ?? firstDay;
  const to = options.toDay ?? lastDay;
  if (!Number.isFinite(from) || !Number.isFinite(to)) return undefined;
  return { from: dayText(from), to: dayText(to) };
}

function totalsOf(told: readonly Told[], { others }: Collected): ActivityReport['totals'] {
  const sum = (of: (each: Told) => number): number => told.reduce((total, each) => total + of(each), 0);
  return {
    people: sum(({ person }) => Number(person.kind === 'person')),
    serviceAccounts: sum(({ person }) => Number(person.kind === 'serviceaccount')),
    requests: sum(({ actor }) => actor.total.requests) + others.requests,
    refused: sum(({ actor }) => actor.total.refused) + others.refused,
    commands: sum(({ commands }) => commands.length),
    changes: sum(
      ({ commands }) => commands.filter(({ isChange, outcome }) => isChange && outcome === 'done').length,
    ),
    deletes: sum(({ actor }) => actor.deletes),
    execs: sum(({ actor }) => actor.execs),
    secretReads: sum(({ actor }) => actor.counts.secretReads),
    discovery: sum(({ actor }) => actor.counts.discovery),
  };
}

/** The newest days, those between them without a request included. */
function heatOf({ hours: days }: Collected): HeatDay[] {
  const known = [...days.keys()];
  const last = Math.max(...known);
  if (known.length === 0) return [];
  const first = Math.max(Math.min(...known), last - MAX_HEAT_DAYS + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const hours = days.get(first + index);
    const empty = new Float64Array(24);
    return {
      day: dayText(first + index),
      requests: [...(hours?.requests ?? empty)],
      refused: [...(hours?.refused ?? empty)],
    };
  });
}

function counted(count: number, noun: string): string {
  const digits = String(count).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${digits} ${noun}${count === 1 ? '' : 's'}`;
}

function blindSpotsOf(collected: Collected, told: readonly Told[], notes: readonly string[]): string[] {
  const { otherClients, options, others, hasHistory } = collected;
  const untold = told.reduce((sum, { person }) => sum + person.untold, 0);
  const spots: [isSo: boolean, text: string][] = [
    [options.isWithoutPeople === true, 'People are left out: the report is about service accounts.'],
    [
      otherClients.requests > 0,
      `${counted(otherClients.requests, 'request')} of people came with clients other than kubectl (${otherClients.refused} of them refused) and are not in this report.`,
    ],
    [
      others.requests > 0,
      `${counted(others.requests, 'request')} are of actors beyond the number that is told apart.`,
    ],
    [
      untold > 0,
      `${counted(untold, 'request')} were counted, and were too many to be told apart into commands.`,
    ],
    [
      !hasHistory,
      'Nothing before the period was read, so that what was done for the first time is not known.',
    ],
    [options.officeHours === undefined, 'No office hours were given, so that nothing is outside of them.'],
  ];
  return [
    ...spots.filter(([isSo]) => isSo).map(([, text]) => text),
    ...notes,
    'Clients name themselves; commands are inferred from requests, and are as trustworthy as the clients.',
    'The log has no bodies: what exactly was changed is not known, nor what ran in a pod after exec began.',
  ];
}
