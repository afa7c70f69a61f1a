import { readSecretFile } from './secret-file.ts';

/**
 * A text that others replace in its file while this runs: a password, a key, a certificate. It is read anew whenever it
 * is asked for, which is when a connection is made; nothing is watched, so nothing can be missed. Where the file cannot
 * be read, or is empty, as between the two steps of a careless replacement, the last text that was there is kept.
 * @param first - what was read at the start
 */
export function followFile(file: string, first: string): () => string {
  let last = first;
  return () => {
    const now = readSecretFile(file);
    if (now.ok && now.text !== '') last = now.text;
    return last;
  };
}
