import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { leastwise, type Outcome } from '../../testing/command.ts';

/** The example log. */
export const EXAMPLE = fileURLToPath(new URL('../../../../../examples/audit.log.gz', import.meta.url));
/** `explain` of a service account of it. */
export const CI_BOT: readonly string[] = ['explain', 'alpha-pay:ci-bot', '-f', EXAMPLE];

/** `explain` on logs that a test writes. */
export interface Explaining {
  /** A file with a content. */
  written(content: string, name?: string): Promise<string>;
  explained(log: string, ...words: readonly string[]): Promise<Outcome>;
  explainedJson(
    log: string,
    ...words: readonly string[]
  ): Promise<{ readonly code: number; readonly stderr: string; readonly value: Record<string, unknown> }>;
}

/** @param folder - names of folders of a test file's own */
export function explaining(folder: () => string): Explaining {
  const written = async (content: string, name = 'file.yaml'): Promise<string> => {
    const path = folder();
    await mkdir(path, { recursive: true });
    await writeFile(join(path, name), content);
    return join(path, name);
  };
  const explained = async (log: string, ...words: readonly string[]): Promise<Outcome> =>
    leastwise(['explain', ...words, '-f', await written(log, 'audit.log')]);
  return {
    written,
    explained,
    explainedJson: async (log, ...words) => {
      const { code, stdout, stderr } = await explained(log, ...words, '-o', 'json');
      return { code, stderr, value: JSON.parse(stdout) as Record<string, unknown> };
    },
  };
}
