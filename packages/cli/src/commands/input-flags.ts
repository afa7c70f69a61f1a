import { type FilterRule, parseFilter } from '@leastwise/audit-event';
import {
  type CountingDeadLetters,
  createCountingDeadLetters,
  createDeadLetterFile,
} from '@leastwise/source-file';
import type { Command } from 'commander';

import { CliError } from '../exit.ts';
import type { IngestStats } from '../ingest.ts';
import { oneOf } from '../policy-flags.ts';

/** Flags of every command that reads audit logs. */
export interface InputFlags {
  readonly filename?: readonly string[];
  readonly cluster: string;
  readonly clusterField?: string;
  readonly filter?: readonly string[];
  readonly filterDefault: 'allow' | 'deny';
  readonly deadLetter?: string;
  readonly strict?: boolean;
}

/** Adds the flags of every command that reads audit logs. */
export function addInputFlags(command: Command): Command {
  return command
    .option(
      '-f, --filename <source...>',
      'audit logs: files, globs, folders, .gz, .zst, URLs, or - for standard input',
    )
    .option('--cluster <name>', 'name of the cluster of records without a cluster field', 'default')
    .option(
      '--cluster-field <key>',
      "top-level key of a record that holds its cluster's name, set by your shipper",
    )
    .option(
      '--filter <rule...>',
      "count or leave out events, first match wins: 'deny user=system:kube-* verb=get,list'",
    )
    .option(
      '--filter-default <action>',
      'what becomes of events that no filter matches',
      oneOf('allow', 'deny'),
      'allow',
    )
    .option('--dead-letter <file>', 'write records that cannot be read to this file, with the reason')
    .option('--strict', 'fail when any record cannot be read');
}

/** The filters of a command line; all mistakes at once. */
export function filtersOf(flags: InputFlags): FilterRule[] {
  const rules: FilterRule[] = [];
  const problems: string[] = [];
  for (const text of flags.filter ?? []) {
    const parsed = parseFilter(text);
    if (typeof parsed === 'string') problems.push(`--filter "${text}": ${parsed}`);
    else rules.push(parsed);
  }
  if (problems.length > 0) throw new CliError(problems.join('\n'));
  return rules;
}

/** The dead letters that the flags ask for: counted, with the first few for the summary, and kept in a file if one is given. */
export function openDeadLetters(flags: InputFlags): CountingDeadLetters {
  return createCountingDeadLetters(
    flags.deadLetter === undefined ? undefined : createDeadLetterFile(flags.deadLetter),
  );
}

/** How many records could not be read. */
export function countBad(stats: IngestStats): number {
  let sum = 0;
  for (const count of stats.bad.values()) sum += count;
  return sum;
}

/** With `--strict`, a record that cannot be read ends the command. @throws CliError */
export function enforceStrict(flags: InputFlags, stats: IngestStats, letters: CountingDeadLetters): void {
  if (flags.strict === true && countBad(stats) > 0) {
    throw new CliError(
      [`${String(countBad(stats))} records could not be read:`, ...letters.summary().first].join('\n  '),
    );
  }
}
