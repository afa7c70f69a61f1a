import type { Command } from './commands/command.ts';
import type { OfficeHours, PersonReport, UnusualRow, UnusualSeverity } from './model.ts';
import type { Names } from './names.ts';
import { compareText, UNKNOWN_NAME } from '../traces/trace.ts';

/** Refused deletions of one actor that follow each other within so long are a burst, from so many on. */
const BURST_US = 60_000_000;
const BURST_MIN = 10;
/** Different secrets that one actor reads by name in the period. */
const MANY_SECRETS = 15;
/** What commands of exec try that nobody does by accident: credentials of the pod or its node, shells that call home. */
const GRAVE_COMMAND =
  /\/var\/run\/secrets|169\.254\.169\.254|metadata\.google\.internal|\/dev\/tcp\/|\bnc(?:at)?\s.*-e\b|\/etc\/(?:shadow|kubernetes)/;

const SEVERITIES: readonly UnusualSeverity[] = ['critical', 'high', 'medium', 'low'];

function isDelete({ verbClass }: Command): boolean {
  return verbClass === 'delete' || verbClass === 'delete-collection';
}

function isSecretRead({ resource, verbClass }: Command): boolean {
  return resource === 'secrets' && (verbClass === 'read' || verbClass === 'list-watch');
}

function secondsText(us: number): string {
  const seconds = Math.max(1, Math.round(us / 1_000_000));
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}

/** `15 pods in alpha-pay, 15 secrets in alpha-pay` */
function objectsText(commands: readonly Command[]): string {
  const counts = new Map<string, number>();
  for (const { resource, namespace } of commands) {
    const what = namespace === '' ? resource : `${resource} in ${namespace}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || compareText(a, b))
    .slice(0, 5)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

type Note = Pick<UnusualRow, 'severity' | 'atUs' | 'title' | 'why'> & {
  /** The detection that finds the same: where it did, it is not said twice. */
  readonly sameAs?: string;
};

/** Refused deletions in bursts: a minute without one parts two of them. */
function burstsOf(commands: readonly Command[]): (readonly [first: Command, ...rest: Command[]])[] {
  const bursts: [Command, ...Command[]][] = [];
  let lastUs = -Infinity;
  for (const command of commands) {
    if (!isDelete(command) || command.outcome !== 'refused') continue;
    if (command.atUs - lastUs > BURST_US) bursts.push([command]);
    else bursts.at(-1)?.push(command);
    lastUs = command.atUs;
  }
  return bursts.filter((burst) => burst.length >= BURST_MIN);
}

/** All bursts in one note, with the largest one in numbers. */
function refusedDeletes(commands: readonly Command[]): Note[] {
  const bursts = burstsOf(commands);
  const [first, ...others] = bursts;
  if (first === undefined) return [];
  const largest = others.reduce((most, burst) => (burst.length > most.length ? burst : most), first);
  const spanUs = (largest.at(-1) ?? largest[0]).atUs - largest[0].atUs;
  const all = bursts.reduce((sum, burst) => sum + burst.length, 0);
  const what = `${largest.length} deletions were refused within ${secondsText(spanUs)}: ${objectsText(largest)}.`;
  const isOne = others.length === 0;
  return [
    {
      severity: 'high',
      atUs: first[0].atUs,
      title: isOne ? 'Burst of refused deletions' : `${bursts.length} bursts of refused deletions`,
      why: isOne ? what : `${all} deletions were refused in ${bursts.length} bursts; in the largest, ${what}`,
    },
  ];
}

function impersonations(commands: readonly Command[]): Note[] {
  const byName = new Map<string, Command[]>();
  for (const command of commands) {
    if (command.as === '') continue;
    const known = byName.get(command.as);
    if (known === undefined) byName.set(command.as, [command]);
    else known.push(command);
  }
  return [...byName].map(([name, all]) => {
    const refused = all.filter(({ outcome }) => outcome === 'refused').length;
    return {
      severity: 'medium',
      atUs: all[0]?.atUs ?? 0,
      title: `${name === UNKNOWN_NAME ? 'Was refused to act' : 'Acted'} in the name of somebody else`,
      why: `${all.length} commands were run with --as ${name}, ${refused} of them refused.`,
    };
  });
}

function secrets(commands: readonly Command[]): Note[] {
  const reads = commands.filter(isSecretRead);
  const everywhere = reads.filter(({ namespace, name }) => namespace === '' && name === '');
  const refused = everywhere.filter(({ outcome }) => outcome === 'refused').length;
  const named = new Set(
    reads
      .filter(({ outcome }) => outcome !== 'refused')
      .flatMap(({ namespace, name }) => (name === '' ? [] : [`${namespace}/${name}`])),
  );
  const notes: Note[] = [];
  if (everywhere.length > 0) {
    const isRefused = refused === everywhere.length;
    notes.push({
      severity: isRefused ? 'medium' : 'high',
      atUs: everywhere[0]?.atUs ?? 0,
      title: isRefused
        ? 'Tried to list the secrets of all namespaces'
        : 'Listed the secrets of all namespaces',
      why: `The secrets of all namespaces were asked for ${everywhere.length} times; ${refused} times it was refused.`,
      ...(isRefused ? {} : { sameAs: 'D07' }),
    });
  }
  if (named.size >= MANY_SECRETS) {
    notes.push({
      severity: 'medium',
      atUs: reads[0]?.atUs ?? 0,
      title: 'Read many secrets',
      why: `${named.size} different secrets were read by name; ${MANY_SECRETS} are many.`,
      sameAs: 'D08',
    });
  }
  return notes;
}

function graveCommands(commands: readonly Command[]): Note[] {
  const grave = commands.filter(
    ({ verbClass, words }) => verbClass === 'exec' && GRAVE_COMMAND.test(words.join(' ')),
  );
  const [first] = grave;
  if (first === undefined) return [];
  return [
    {
      severity: 'high',
      atUs: first.atUs,
      title: 'Reached for credentials or a way out of a pod',
      why: `A place of credentials, the metadata of a cloud or a connection outwards was named in ${grave.length} of ${commands.filter(({ verbClass }) => verbClass === 'exec').length} commands into pods; the first one was in pod ${first.name}.`,
      sameAs: 'D15',
    },
  ];
}

function offHours(
  { offHours: off }: PersonReport,
  commands: readonly Command[],
  hours: OfficeHours | undefined,
): Note[] {
  if (hours === undefined || off === undefined || off.changes === 0) return [];
  const first = commands.find(({ isChange, outcome }) => isChange && outcome !== 'refused');
  return [
    {
      severity: 'low',
      atUs: first?.atUs ?? 0,
      title: 'Changes outside of office hours',
      why: `${off.changes} requests that change something came outside of ${hours.from}:00 to ${hours.to}:00 on working days.`,
    },
  ];
}

function master({ isMaster, firstUs, requests }: PersonReport): Note[] {
  if (!isMaster) return [];
  return [
    {
      severity: 'medium',
      atUs: firstUs,
      title: 'Works as system:masters',
      why: `${requests} requests came as a member of system:masters, whom RBAC can refuse nothing.`,
      sameAs: 'D42',
    },
  ];
}

/**
 * What an actor's own numbers show to be unusual, less what detections found of the same actor.
 * @param commands - all of the actor's, in time
 */
export function unusualOf(
  person: PersonReport,
  commands: readonly Command[],
  options: {
    readonly names: Names;
    readonly officeHours: OfficeHours | undefined;
    readonly found: readonly UnusualRow[];
  },
): UnusualRow[] {
  const notes = [
    ...refusedDeletes(commands),
    ...graveCommands(commands),
    ...secrets(commands),
    ...impersonations(commands),
    ...master(person),
    ...(person.kind === 'person' ? offHours(person, commands, options.officeHours) : []),
  ];
  const found = new Set(
    options.found.filter(({ who }) => who === person.name).map(({ detection }) => detection),
  );
  return notes
    .filter(({ sameAs }) => sameAs === undefined || !found.has(sameAs))
    .map(({ severity, atUs, title, why }) => ({
      severity,
      atUs,
      who: person.name,
      title,
      why: options.names.text(why),
      detection: undefined,
      untilUs: undefined,
      times: 1,
      days: 1,
      auditIDs: [],
    }));
}

/** The gravest first, then in time. */
export function sortUnusual(rows: readonly UnusualRow[]): UnusualRow[] {
  return [...rows].sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      a.atUs - b.atUs ||
      compareText(a.who, b.who) ||
      compareText(a.title, b.title) ||
      compareText(a.why, b.why),
  );
}
