import { createHmac } from 'node:crypto';

import type { PseudonymOf } from './names.ts';

/** Names of people are few and known: only the key keeps them from being found by trying. */
const MIN_PSEUDONYM_KEY_BYTES = 16;
/** Among a thousand people, two have the same eight digits once in nine thousand keys. */
const HEX_DIGITS = 8;

/** Pseudonyms by a secret key: the same name has the same one for as long as the key is the same. */
export function pseudonymsBy(key: Uint8Array): PseudonymOf {
  return (name) => {
    const digest = createHmac('sha256', key).update(name).digest('hex');
    return `person-${digest.slice(0, HEX_DIGITS)}`;
  };
}

/** Why a key cannot be used, naming the file that it is of and what makes a better one; `undefined` where it can. */
export function pseudonymKeyProblem(key: Uint8Array, file: string): string | undefined {
  if (key.byteLength >= MIN_PSEUDONYM_KEY_BYTES) return undefined;
  return `${file}: a key for pseudonyms has at least ${MIN_PSEUDONYM_KEY_BYTES} bytes (openssl rand -hex 32 > ${file})`;
}
