import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, test } from 'vitest';

const root = new URL('../../../../', import.meta.url);
const sources = fileURLToPath(new URL('packages/audit-event/assembly', root));
const carried = readFileSync(new URL('scan-wasm.ts', import.meta.url), 'utf8');

/** The build of `npm run wasm`. */
async function moduleOf(folder: string): Promise<string> {
  const build = (await import(new URL('.ci/wasm.mjs', root).href)) as {
    moduleOf: (folder: string) => Promise<string>;
  };
  return build.moduleOf(folder);
}

describe.skipIf(!existsSync(new URL('node_modules/assemblyscript', root)))(
  'the module that is carried',
  () => {
    const copy = mkdtempSync(join(tmpdir(), 'leastwise-wasm-'));
    function copySources(): void {
      for (const name of readdirSync(sources)) copyFileSync(join(sources, name), join(copy, name));
    }
    afterAll(() => rmSync(copy, { recursive: true, force: true }));

    test('is what its sources make: otherwise, npm run wasm', async () => {
      expect((await moduleOf(sources)) === carried).toBe(true);
    });

    test('is another one after any change to its sources', async () => {
      copySources();
      const file = join(copy, 'timestamp.ts');
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('LAST_YEAR: i32 = 2254', 'LAST_YEAR: i32 = 2255'),
      );
      expect((await moduleOf(copy)) === carried).toBe(false);
    });

    test('is not built from sources that are wrong', async () => {
      copySources();
      writeFileSync(join(copy, 'timestamp.ts'), 'export function timeOf(): i32 { return "x"; }\n');
      await expect(moduleOf(copy)).rejects.toThrow('compile error');
    });
  },
);
