import { readFile } from 'node:fs/promises';

import { pseudonymKeyProblem, type PseudonymOf, pseudonymsBy } from '@leastwise/activity';

/** The key for pseudonyms cannot be used: without it names would have to be shown, so no cycle is begun. */
export class PseudonymKeyError extends Error {
  override readonly name = 'PseudonymKeyError';
  readonly code = 'LW_PSEUDONYM_KEY';
}

/** Pseudonyms by the key in a file. @throws PseudonymKeyError where it cannot be read or is too short */
export async function readPseudonymKey(file: string): Promise<PseudonymOf> {
  let key: Buffer;
  try {
    key = await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PseudonymKeyError(`the key for pseudonyms cannot be read: ${reason}`, { cause });
  }
  const problem = pseudonymKeyProblem(key, file);
  if (problem !== undefined) throw new PseudonymKeyError(problem);
  return pseudonymsBy(key);
}
