import { writeFile } from 'node:fs/promises';

import {
  type ActivityReport,
  activityReport,
  type ActivityState,
  createCalendar,
  detectedIn,
  detectionNotes,
  type OfficeHours,
  type ReportOptions,
  settingsWithSystem,
  stateRemarks,
  type TimeZone,
} from '@leastwise/activity';
import { emptyCluster, firstDaysIn } from '@leastwise/rbac';
import {
  activityCharts,
  PAGE_COLORS,
  renderActivityCsv,
  renderActivityHtml,
  renderActivityJson,
  renderActivityMarkdown,
} from '@leastwise/render';
import type { Command } from 'commander';

import { CliError, messageOf } from '../exit.ts';
import type { Io } from '../io.ts';
import { openState } from '../open-state.ts';
import { printable, safeJson } from '../output.ts';
import { day, oneOf } from '../policy-flags.ts';
import { counted } from '../progress.ts';
import { officeHours } from '../report/office-hours.ts';
import { systemIdentities } from '../report/system-identities.ts';
import { readPseudonyms } from '../report/pseudonyms.ts';
import { type ClusterActivity, readActivity } from '../report/read-activity.ts';
import { timeZone } from '../report/time-zone.ts';
import { addInputFlags, countBad, type InputFlags } from './input-flags.ts';
import { showSubcommandFlags } from './subcommand-help.ts';

const FORMS = ['md', 'html', 'json', 'csv'] as const;

interface ReportFlags extends InputFlags {
  readonly from?: number;
  readonly to?: number;
  readonly timeZone?: TimeZone;
  readonly officeHours?: OfficeHours;
  readonly pseudonyms?: string;
  readonly allClients?: boolean;
  readonly detections: boolean;
  readonly systemIdentity?: readonly string[];
  readonly output: (typeof FORMS)[number];
  readonly out?: string;
  readonly state?: string;
  readonly statePrefix: string;
}

/** Adds `leastwise report`. */
export function addReport(program: Command, io: Io): void {
  const report = program.command('report').description('who did what: people, their commands, the outcome');
  const kubectl = report
    .command('kubectl')
    .description('who did what with kubectl, and with which outcome, from audit logs');
  addInputFlags(kubectl)
    .option('--from <day>', 'the first UTC day, YYYY-MM-DD; what the logs have before it is history', day)
    .option('--to <day>', 'the last UTC day, YYYY-MM-DD', day)
    .option(
      '--time-zone <zone>',
      'of the heat map, office hours and detections, such as Europe/Berlin (default: UTC)',
      timeZone,
    )
    .option(
      '--office-hours <hours>',
      'such as 8-18, Monday to Friday: what is outside of them is told',
      officeHours,
    )
    .option(
      '--pseudonyms <file>',
      "pseudonyms in the place of people's names, by the secret key in this file",
    )
    .option('--all-clients', "people's requests by any client, not by kubectl and its like alone")
    .option('--no-detections', 'leave out what the detections of the catalogue find, spikes among it')
    .option(
      '--system-identity <name...>',
      'whose ordinary work others are detected for: a name, or the beginning of names before a *',
      systemIdentities,
    )
    .option('--state <place>', 'no logs: the last days that a state knows; a folder of `run`, or redis://…')
    .option('--state-prefix <text>', 'what its keys in Redis begin with', 'leastwise:')
    .option('-o, --output <form>', 'md, html, json or csv', oneOf(...FORMS), 'md')
    .option('--out <file>', 'write to this file in the place of standard output')
    .action(async (flags: ReportFlags) => {
      await reportKubectl(flags, io);
    });
  showSubcommandFlags(report);
  report.addHelpText(
    'after',
    '\nExamples:\n' +
      '  leastwise report kubectl -f audit.log\n' +
      '  leastwise report kubectl -f audit.log --time-zone Europe/Berlin --office-hours 8-18 -o html --out report.html\n',
  );
}

/** A report, and how many records of the logs are not in it. */
interface Made {
  readonly report: ActivityReport;
  readonly unreadable: number;
}

async function reportKubectl(flags: ReportFlags, io: Io): Promise<void> {
  const { filename, state } = flags;
  if (filename === undefined && state === undefined)
    throw new CliError('report kubectl needs audit logs (-f FILE), or a state (--state PLACE)');
  if (filename !== undefined && state !== undefined) throw new CliError('-f and --state exclude each other');
  if ((flags.from ?? -Infinity) > (flags.to ?? Infinity)) throw new CliError('--from is after --to');
  const { report, unreadable } = await (state === undefined ? ofLogs(flags, io) : ofState(flags, state));
  const text = await rendered(report, flags.output);
  if (unreadable > 0) io.stderr.write(`warning: ${counted(unreadable, 'record')} could not be read\n`);
  if (flags.out === undefined) io.stdout.write(text);
  else await written(flags.out, text);
}

async function optionsOf(flags: ReportFlags): Promise<Omit<ReportOptions, 'cluster'>> {
  return {
    fromDay: flags.from,
    toDay: flags.to,
    timeZone: flags.timeZone,
    officeHours: flags.officeHours,
    pseudonymOf: flags.pseudonyms === undefined ? undefined : await readPseudonyms(flags.pseudonyms),
    hasAllClients: flags.allClients === true,
  };
}

async function ofLogs(flags: ReportFlags, io: Io): Promise<Made> {
  const calendar = flags.detections ? createCalendar(flags.timeZone?.name ?? 'UTC') : undefined;
  const { clusters, stats } = await readActivity(flags, io, {
    ...(await optionsOf(flags)),
    calendar,
    settings: settingsWithSystem(flags.systemIdentity ?? []),
  });
  const unreadable = countBad(stats);
  const notes = unreadable === 0 ? [] : [`${counted(unreadable, 'record')} of the logs could not be read.`];
  return { report: reportOf(chosenCluster(clusters, flags), flags, notes), unreadable };
}

async function ofState(flags: ReportFlags, place: string): Promise<Made> {
  if (flags.systemIdentity !== undefined) {
    throw new CliError('--system-identity needs the logs: a state knows what was found as requests came');
  }
  if (flags.allClients === true) {
    throw new CliError('--all-clients needs the logs: a state keeps requests of kubectl and its like');
  }
  const options = await optionsOf(flags);
  await using store = await openState(place, flags.statePrefix);
  const { clusters: known, activity } = await store.whole();
  const clusters = new Map(activity.filter(hasDays).map((state) => [state.cluster, state]));
  const { cluster, days } = chosenCluster(clusters, flags);
  const state = known.find((each) => each.cluster === cluster) ?? emptyCluster(cluster);
  const remarks = flags.detections
    ? stateRemarks(days.values(), { ...options, firstDayOf: firstDaysIn(state) })
    : { notes: ['Detections were left out.'] };
  return { report: activityReport(days.values(), { ...options, cluster }, remarks), unreadable: 0 };
}

function hasDays({ days }: ActivityState): boolean {
  return days.size > 0;
}

/** The report of a cluster with what detections found in it, and what they could not see. */
function reportOf(
  { builder, detecting }: ClusterActivity,
  { from, to }: ReportFlags,
  notes: readonly string[],
): ActivityReport {
  if (detecting === undefined) return builder.build([], [...notes, 'Detections were left out.']);
  const detections = detecting.detections();
  const detected = detectedIn(detections.findings, { fromDay: from, toDay: to });
  return builder.build(detected, [...notes, ...detectionNotes(detections)]);
}

/** A report is of one cluster. */
function chosenCluster<T>(clusters: ReadonlyMap<string, T>, flags: ReportFlags): T {
  const [first] = clusters.values();
  if (first === undefined) throw new CliError('nothing to report: no audit events were read');
  if (clusters.size === 1) return first;
  const named = clusters.get(flags.cluster);
  if (named) return named;
  const names = [...clusters.keys()].map(printable).sort();
  throw new CliError(`a report is of one cluster: name it with --cluster (${names.join(', ')})`);
}

async function rendered(report: ActivityReport, form: ReportFlags['output']): Promise<string> {
  switch (form) {
    case 'md':
      return renderActivityMarkdown(report);
    case 'html': {
      // Loaded where it is needed: the library is as large as all the rest, and every command would wait for it.
      const { drawCharts } = await import('../report/draw-charts.ts');
      return renderActivityHtml(report, await drawCharts(activityCharts(report, PAGE_COLORS)));
    }
    case 'json':
      return safeJson(renderActivityJson(report));
    case 'csv':
      return renderActivityCsv(report);
  }
}

async function written(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new CliError(`cannot write the report: ${messageOf(error)}`);
  }
}
