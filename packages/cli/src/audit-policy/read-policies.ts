import { readFile, stat } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';

import { type AuditPolicies, readAuditPolicies, type SourcedPolicy } from '@leastwise/audit-policy';

import { CliError, messageOf } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable } from '../output.ts';

const MAX_POLICY_BYTES = 16 * 1024 * 1024;

/** Reads the policies of a file, or of standard input for `-`. @throws CliError where it cannot be read */
export async function readPolicyFile(path: string, io: Io): Promise<AuditPolicies> {
  return readAuditPolicies(path === '-' ? await textOf(io.stdin) : await contentOf(path), path);
}

/**
 * Reads the one policy of a file; fields that an API server ignores are warnings, as they are to it.
 * @throws CliError where an API server would not start with it, or the file holds several
 */
export async function readOnePolicy(path: string, io: Io): Promise<SourcedPolicy> {
  const { policies, problems } = await readPolicyFile(path, io);
  const [only, second] = policies;
  const lines = problems.map(({ file, line, reason }) => `${file}:${String(line)}: ${reason}`);
  if (only === undefined || problems.some(({ id }) => id === 'E01')) throw new CliError(lines.join('\n'));
  if (second !== undefined) {
    const places = policies.map(({ within, lineOf }) =>
      `line ${String(lineOf([]))} ${printable(within)}`.trim(),
    );
    throw new CliError(
      `${path} holds several policies (${places.join(', ')}): give one in a file of its own`,
    );
  }
  for (const line of lines) io.stderr.write(`warning: ${printable(line)}\n`);
  return only;
}

async function contentOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_POLICY_BYTES) throw new Error(`larger than ${String(MAX_POLICY_BYTES)} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError(`${path}: ${messageOf(error)}`);
  }
}
