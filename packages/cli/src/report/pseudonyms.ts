import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { PseudonymOf } from '@leastwise/activity';

import { CliError, messageOf } from '../exit.ts';

/** Names of people are few and known: only the key keeps them from being found by trying. */
const MIN_KEY_BYTES = 16;
/** Among a thousand people, two have the same eight digits once in nine thousand keys. */
const HEX_DIGITS = 8;

/** Pseudonyms by a secret key: the same name has the same one for as long as the key is the same. */
export function pseudonymsBy(key: Uint8Array): PseudonymOf {
  return (name) => {
    const digest = createHmac('sha256', key).update(name).digest('hex');
    return `person-${digest.slice(0, HEX_DIGITS)}`;
  };
}

/** Pseudonyms by the key in a file. @throws CliError where it cannot be read or is too short */
export async function readPseudonyms(path: string): Promise<PseudonymOf> {
  let key: Buffer;
  try {
    key = await readFile(path);
  } catch (error) {
    throw new CliError(`cannot read the key for pseudonyms: ${messageOf(error)}`);
  }
  if (key.byteLength < MIN_KEY_BYTES) {
    throw new CliError(
      `${path}: a key for pseudonyms has at least ${MIN_KEY_BYTES} bytes (openssl rand -hex 32 > ${path})`,
    );
  }
  return pseudonymsBy(key);
}
