#!/usr/bin/env node
// `node test/bench/lz4.mjs`: by how much lz4 makes batches of 200 generated events smaller, for the sizing.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compressSync } from 'lz4-napi';

const BATCH = 200;
const folder = mkdtempSync(join(tmpdir(), 'leastwise-lz4-'));
try {
  const log = join(folder, 'log');
  const generator = fileURLToPath(new URL('generate-log.mjs', import.meta.url));
  spawnSync(process.execPath, [generator, '--events', '20000', '--out', log], { stdio: 'inherit' });
  const lines = readFileSync(log, 'utf8').split('\n');
  let [whole, small] = [0, 0];
  for (let at = 0; at < lines.length; at += BATCH) {
    const batch = Buffer.from(lines.slice(at, at + BATCH).join('\n'));
    whole += batch.length;
    small += compressSync(batch).length;
  }
  console.log(
    `${(whole / lines.length).toFixed(0)} bytes an event, ${(whole / small).toFixed(1)} times as small by lz4`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
