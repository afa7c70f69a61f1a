import { impliedGroups, subjectFromUsername } from '@leastwise/audit-event';
import {
  attributesOfNamed,
  matchPolicy,
  perDay,
  PolicySimulation,
  type Simulation,
  type SourcedPolicy,
  stagesOf,
  type Volume,
} from '@leastwise/audit-policy';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { readRequests } from '../audit-policy/read-requests.ts';
import { detectionJson, detectionText, hiddenLines, ruleText } from '../audit-policy/sight-text.ts';
import { type Column, tableLines } from '../audit-policy/table.ts';
import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { safeJson } from '../output.ts';
import { oneOf } from '../policy-flags.ts';
import { formatBytes, formatCount } from '../progress.ts';
import { addInputFlags, type InputFlags } from './input-flags.ts';

interface SimulateFlags extends InputFlags {
  readonly user?: string;
  readonly group?: readonly string[];
  readonly verb?: string;
  readonly url?: string;
  readonly output: 'table' | 'json';
}

/** Adds `leastwise audit-policy simulate`. */
export function addSimulate(parent: Command, io: Io): void {
  const command = parent
    .command('simulate')
    .description('what a policy makes of real requests, or of one that you name')
    .argument('<file>', 'the policy, or -');
  addInputFlags(command)
    .option('--user <name>', 'one request instead of logs: who sends it; without it, failed authentication')
    .option('--group <name...>', 'further groups of the user, beside those that the API server adds')
    .option('--verb <verb>', 'its verb or HTTP method')
    .option('--url <path>', 'its path and query')
    .option('-o, --output <form>', 'table or json', oneOf('table', 'json'), 'table')
    .action(async (file: string, flags: SimulateFlags) => {
      await simulate(file, flags, io);
    });
}

async function simulate(file: string, flags: SimulateFlags, io: Io): Promise<void> {
  const { verb, url, filename, user, group } = flags;
  const isOne = verb !== undefined && url !== undefined;
  const hasPart = (verb ?? url ?? user ?? group) !== undefined;
  if (isOne ? filename !== undefined : filename === undefined || hasPart)
    throw new CliError(
      'simulate needs audit logs (-f FILE) or one request (--verb and --url), one of the two',
    );
  const source = await readOnePolicy(file, io);
  if (isOne) {
    io.stdout.write(oneRequest(source, { ...flags, verb, url }));
    return;
  }
  const simulation = new PolicySimulation(source.policy);
  await readRequests(flags, io, (request) => simulation.add(request));
  const result = simulation.result();
  io.stdout.write(flags.output === 'json' ? jsonOf(result) : tableOf(source, result));
}

function oneRequest(
  { policy, lineOf }: SourcedPolicy,
  flags: Pick<SimulateFlags, 'user' | 'group' | 'output'> & { readonly verb: string; readonly url: string },
): string {
  const { user: username, group = [], verb, url, output } = flags;
  const subject = username === undefined ? undefined : subjectFromUsername(username);
  const groups = subject === undefined ? [] : [...new Set([...impliedGroups(subject), ...group])];
  const user = username === undefined ? undefined : { username, groups };
  const attributes = attributesOfNamed({ user, verb, url });
  if (attributes === undefined) throw new CliError(`no API server takes the URL ${url}`);
  const { rule, level, stages, omitManagedFields } = matchPolicy(policy, attributes);
  const logged = stagesOf(attributes).filter((stage) => stages.includes(stage));
  if (output === 'json') {
    const found = {
      ruleIndex: rule ?? null,
      line: rule === undefined ? null : lineOf(['rules', rule]),
      level,
      stages: logged,
    };
    return `${safeJson(JSON.stringify({ ...found, omitManagedFields }, null, 2))}\n`;
  }
  const by =
    rule === undefined
      ? 'no rule matches'
      : `rule ${String(rule + 1)} (line ${String(lineOf(['rules', rule]))})`;
  return `${by}: level ${level}, ${logged.length === 0 ? 'nothing is logged' : `logged at ${logged.join(', ')}`}\n`;
}

const COLUMNS: readonly Column[] = [
  { head: 'RULE', align: 'right' },
  { head: 'LINE', align: 'right' },
  { head: 'LEVEL', align: 'left' },
  { head: 'REQUESTS', align: 'right' },
  { head: 'EVENTS', align: 'right' },
  { head: 'BYTES', align: 'right' },
  { head: 'EVENTS/DAY', align: 'right' },
  { head: 'BYTES/DAY', align: 'right' },
];

function tableOf({ lineOf }: SourcedPolicy, result: Simulation): string {
  const cells = (volume: Volume): string[] => [
    formatCount(volume.requests),
    formatCount(volume.events),
    formatBytes(volume.bytes),
    formatCount(perDay(volume.events, result.span)),
    formatBytes(perDay(volume.bytes, result.span)),
  ];
  const rows = result.rules
    .filter(({ rule, requests }) => rule !== undefined || requests > 0)
    .map((each) => {
      const line = each.rule === undefined ? '' : String(lineOf(['rules', each.rule]));
      return [ruleText(each.rule), line, each.level, ...cells(each)];
    });
  const lines = tableLines(COLUMNS, [...rows, ['all', '', '', ...cells(result.total)]]);
  const blind = result.detections.map((each) => `  ${detectionText(each)}`);
  return [
    ...lines,
    ...hiddenLines('Hidden, by user:', result.subjects),
    ...(blind.length === 0 ? [] : ['', 'Detections that do not see all:', ...blind]),
    '',
  ].join('\n');
}

function jsonOf({ total, levels, rules, span, subjects, detections }: Simulation): string {
  const day = { events: perDay(total.events, span), bytes: perDay(total.bytes, span) };
  const plain = {
    total,
    perDay: day,
    levels,
    rules: rules.map(({ rule, ...each }) => ({ ruleIndex: rule ?? null, ...each })),
    subjects,
    detections: detections.map(detectionJson),
  };
  return `${safeJson(JSON.stringify(plain, null, 2))}\n`;
}
