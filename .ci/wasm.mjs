// Builds the scanner of `packages/audit-event/assembly` into the module that the package carries: `npm run wasm`.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { main } from 'assemblyscript/asc';

const PACKAGE = new URL('../packages/audit-event/', import.meta.url);
const TARGET = new URL('src/decode/scan-wasm.ts', PACKAGE);
const OPTIONS = '--runtime stub --enable simd -O3 --noAssert --converge'.split(' ');

/**
 * Compiles a scanner.
 * @param {string} folder where its sources are, as a path
 * @returns {Promise<string>} the text of the module that carries it
 */
export async function moduleOf(folder) {
  let binary = new Uint8Array(0);
  const { error, stderr } = await main(['scan.ts', ...OPTIONS, '--outFile', 'scan.wasm'], {
    readFile: (name) => {
      try {
        return readFileSync(`${folder}/${name}`, 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (_, contents) => {
      binary = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(/.{1,100}/g)
    .map((line) => `  '${line}'`);
  return [
    '// Generated from ../../assembly by `npm run wasm`. Do not edit.',
    '',
    '/** The WebAssembly module of the scanner, in base64. */',
    `export const SCAN_WASM =\n${lines.join(' +\n')};`,
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(TARGET, await moduleOf(fileURLToPath(new URL('assembly', PACKAGE))));
}
