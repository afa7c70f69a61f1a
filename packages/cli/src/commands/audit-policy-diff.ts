import {
  perDay,
  PolicyComparing,
  type PolicyComparison,
  sightChange,
  type Simulation,
} from '@leastwise/audit-policy';
import type { Command } from 'commander';

import { readOnePolicy } from '../audit-policy/read-policies.ts';
import { readRequests } from '../audit-policy/read-requests.ts';
import { detectionJson, detectionText, hiddenLines, ruleText } from '../audit-policy/sight-text.ts';
import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { safeJson } from '../output.ts';
import { oneOf } from '../policy-flags.ts';
import { counted, formatBytes, formatCount } from '../progress.ts';
import { addInputFlags, type InputFlags } from './input-flags.ts';

interface DiffFlags extends InputFlags {
  readonly output: 'text' | 'json';
}

/** Adds `leastwise audit-policy diff`. */
export function addPolicyDiff(parent: Command, io: Io): void {
  const command = parent
    .command('diff')
    .description('what another policy logs more and less of the same requests')
    .argument('<old>', 'the policy as it is')
    .argument('<new>', 'the policy as it would be');
  addInputFlags(command)
    .option('-o, --output <form>', 'text or json', oneOf('text', 'json'), 'text')
    .action(async (before: string, after: string, flags: DiffFlags) => {
      await compare([before, after], flags, io);
    });
}

async function compare([before, after]: readonly [string, string], flags: DiffFlags, io: Io): Promise<void> {
  if (flags.filename === undefined) throw new CliError('diff needs audit logs (-f FILE)');
  const old = await readOnePolicy(before, io);
  const comparing = new PolicyComparing(old.policy, (await readOnePolicy(after, io)).policy);
  await readRequests(flags, io, (request) => {
    comparing.add(request);
  });
  const result = comparing.result();
  io.stdout.write(flags.output === 'json' ? jsonOf(result) : textOf(result));
  if (isDifferent(result)) throw new CliError('', EXIT.negative);
}

function isDifferent({ before, after, changes, detections }: PolicyComparison): boolean {
  const { events, bytes } = before.total;
  const isVolume = after.total.events !== events || after.total.bytes !== bytes;
  return isVolume || changes.length > 0 || detections.length > 0;
}

function signed(from: number, to: number, form: (amount: number) => string): string {
  return to === from ? 'as before' : `${to > from ? '+' : '-'}${form(Math.abs(to - from))}`;
}

function volumeLine(
  name: string,
  amounts: readonly [number, number],
  form: (amount: number) => string,
): string {
  const [from, to] = amounts;
  return `${name} a day: ${form(from)} → ${form(to)} (${signed(from, to, form)})`;
}

function amountsOf({ before, after }: PolicyComparison, key: 'events' | 'bytes'): readonly [number, number] {
  const amount = ({ total, span }: Simulation): number => perDay(total[key], span);
  return [amount(before), amount(after)];
}

function textOf(result: PolicyComparison): string {
  if (!isDifferent(result)) return 'no difference\n';
  const changes = result.changes.map(({ fromRule, toRule, fromLevel, toLevel, requests, gained, lost }) => {
    const sight =
      gained > 0
        ? `, ${formatCount(gained)} become visible`
        : lost > 0
          ? `, ${formatCount(lost)} are hidden`
          : '';
    const rules = `rule ${ruleText(fromRule)} → ${ruleText(toRule)}`;
    return `  ${fromLevel} → ${toLevel} (${rules}): ${counted(requests, 'request')}${sight}`;
  });
  const detections = result.detections.map(
    (each) => `  ${sightChange(each) > 0 ? '+' : '-'} ${detectionText(each.after)}`,
  );
  return [
    volumeLine('events', amountsOf(result, 'events'), formatCount),
    volumeLine('bytes', amountsOf(result, 'bytes'), formatBytes),
    ...(changes.length === 0 ? [] : ['', 'Requests:', ...changes]),
    ...hiddenLines('Hidden now, of those seen before:', result.lostSubjects),
    ...hiddenLines('Visible now, of those hidden before:', result.gainedSubjects),
    ...(detections.length === 0 ? [] : ['', 'Detections:', ...detections]),
    '',
  ].join('\n');
}

function jsonOf(result: PolicyComparison): string {
  const side = ({ total, levels, span }: Simulation): unknown => ({
    total,
    levels,
    perDay: { events: perDay(total.events, span), bytes: perDay(total.bytes, span) },
  });
  const plain = {
    before: side(result.before),
    after: side(result.after),
    changes: result.changes.map(({ fromRule, toRule, ...each }) => ({
      fromRuleIndex: fromRule ?? null,
      toRuleIndex: toRule ?? null,
      ...each,
    })),
    moreDetailed: result.moreDetailed,
    lessDetailed: result.lessDetailed,
    lostSubjects: result.lostSubjects,
    gainedSubjects: result.gainedSubjects,
    detections: result.detections.map(({ before, after }) => ({
      before: before.sight,
      after: detectionJson(after),
    })),
  };
  return `${safeJson(JSON.stringify(plain, null, 2))}\n`;
}
