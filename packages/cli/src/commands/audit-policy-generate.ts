import {
  BudgetTuning,
  type GeneratedPolicy,
  generatePolicy,
  POLICY_PRESETS,
  type PolicyPreset,
} from '@leastwise/audit-policy';
import { type Command, InvalidArgumentError } from 'commander';

import { readRequests } from '../audit-policy/read-requests.ts';
import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { oneOf } from '../policy-flags.ts';
import { addInputFlags, type InputFlags } from './input-flags.ts';

interface GenerateFlags extends InputFlags {
  readonly preset: PolicyPreset;
  readonly budgetMbPerDay?: number;
}

const BYTES_PER_MB = 1_000_000;

/** Adds `leastwise audit-policy generate`. */
export function addPolicyGenerate(parent: Command, io: Io): void {
  const command = parent
    .command('generate')
    .description('a policy for least privilege and detections')
    .option(
      '--preset <name>',
      `how much of it: ${POLICY_PRESETS.join(', ')}`,
      oneOf(...POLICY_PRESETS),
      'default',
    );
  addInputFlags(command)
    .option(
      '--budget-mb-per-day <n>',
      'leave out, least important first, what exceeds it in the logs of -f',
      megabytes,
    )
    .action(async (flags: GenerateFlags) => {
      await generate(flags, io);
    });
}

function megabytes(text: string): number {
  const amount = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || amount <= 0) throw new InvalidArgumentError('Not a number above 0.');
  return amount;
}

async function generate(flags: GenerateFlags, io: Io): Promise<void> {
  const { preset, filename, budgetMbPerDay } = flags;
  if (filename === undefined && budgetMbPerDay === undefined) {
    io.stdout.write(generatePolicy(preset).yaml);
    return;
  }
  if (filename === undefined)
    throw new CliError('--budget-mb-per-day needs audit logs (-f FILE) to measure by');
  const tuning = new BudgetTuning(preset);
  await readRequests(flags, io, (request) => {
    tuning.add(request);
  });
  const budget = (budgetMbPerDay ?? Infinity) * BYTES_PER_MB;
  const generated = tuning.choose(budget);
  io.stdout.write(generated.yaml);
  io.stderr.write(summaryOf(generated));
  if ((generated.bytesPerDay ?? 0) > budget)
    throw new CliError('the budget is too small for what must not be left out', EXIT.negative);
}

function summaryOf({ bytesPerDay = 0, reductions }: GeneratedPolicy): string {
  const size = `about ${(bytesPerDay / BYTES_PER_MB).toFixed(1)} MB a day`;
  const taken = reductions.length === 0 ? 'nothing' : reductions.join(', ');
  return `${size}; left out for volume: ${taken}\n`;
}
