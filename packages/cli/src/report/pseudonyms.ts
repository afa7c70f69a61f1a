import { readFile } from 'node:fs/promises';

import { pseudonymKeyProblem, type PseudonymOf, pseudonymsBy } from '@leastwise/activity';

import { CliError, messageOf } from '../exit.ts';

/** Pseudonyms by the key in a file. @throws CliError where it cannot be read or is too short */
export async function readPseudonyms(path: string): Promise<PseudonymOf> {
  let key: Buffer;
  try {
    key = await readFile(path);
  } catch (error) {
    throw new CliError(`cannot read the key for pseudonyms: ${messageOf(error)}`);
  }
  const problem = pseudonymKeyProblem(key, path);
  if (problem !== undefined) throw new CliError(problem);
  return pseudonymsBy(key);
}
