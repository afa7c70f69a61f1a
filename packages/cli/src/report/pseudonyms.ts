import { readFile } from 'node:fs/promises';

import { MIN_PSEUDONYM_KEY_BYTES, type PseudonymOf, pseudonymsBy } from '@leastwise/activity';

import { CliError, messageOf } from '../exit.ts';

/** Pseudonyms by the key in a file. @throws CliError where it cannot be read or is too short */
export async function readPseudonyms(path: string): Promise<PseudonymOf> {
  let key: Buffer;
  try {
    key = await readFile(path);
  } catch (error) {
    throw new CliError(`cannot read the key for pseudonyms: ${messageOf(error)}`);
  }
  if (key.byteLength < MIN_PSEUDONYM_KEY_BYTES) {
    throw new CliError(
      `${path}: a key for pseudonyms has at least ${MIN_PSEUDONYM_KEY_BYTES} bytes (openssl rand -hex 32 > ${path})`,
    );
  }
  return pseudonymsBy(key);
}
