import { readFile, stat } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';

import {
  type AuditPolicies,
  readAuditPolicies,
  solePolicy,
  type SourcedPolicy,
} from '@leastwise/audit-policy';

import { CliError, messageOf } from '../exit.ts';
import type { Io } from '../io.ts';
import { manifestsBelow } from '../manifest-paths.ts';
import { printable } from '../output.ts';

const MAX_POLICY_BYTES = 16 * 1024 * 1024;

/** Reads the policies of a file, or of standard input for `-`. @throws CliError where it cannot be read */
export async function readPolicyFile(path: string, io: Io): Promise<AuditPolicies> {
  return readAuditPolicies(path === '-' ? await textOf(io.stdin) : await contentOf(path), path);
}

/**
 * Reads the policies of a file, of all `.yaml`, `.yml` and `.json` below a folder, or of standard input for `-`: each
 * file by itself. Files of a folder that hold none are passed over.
 * @throws CliError where something cannot be read, or a folder holds none
 */
export async function readPoliciesBelow(path: string, io: Io): Promise<readonly AuditPolicies[]> {
  const files = path === '-' ? [path] : await manifestsBelow(path);
  if (files.length === 1 && files[0] === path) return [await readPolicyFile(path, io)];
  const found: AuditPolicies[] = [];
  for (const file of files) {
    const each = await readPolicyFile(file, io);
    if (!each.holdsNone) found.push(each);
  }
  if (found.length === 0) throw new CliError(`${path}: no audit policy below it`);
  return found;
}

/**
 * Reads the one policy of a file; fields that an API server ignores are warnings, as they are to it.
 * @throws CliError where an API server would not start with it, or the file holds several
 */
export async function readOnePolicy(path: string, io: Io): Promise<SourcedPolicy> {
  const sole = solePolicy(await readPolicyFile(path, io), path);
  if (sole.policy === undefined) throw new CliError(sole.problems.join('\n'));
  for (const line of sole.warnings) io.stderr.write(`warning: ${printable(line)}\n`);
  return sole.policy;
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
