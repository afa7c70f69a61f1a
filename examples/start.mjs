#!/usr/bin/env node
// `npm start`: the main job on the sample log; `npm start -- ARGS` is `leastwise run ARGS`.
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

const leastwise = fileURLToPath(new URL('../packages/cli/bin/leastwise.js', import.meta.url));
const sample = fileURLToPath(new URL('./audit.log.gz', import.meta.url));
const given = process.argv.slice(2);
const args = given.length > 0 ? given : ['-f', sample, '--out', 'leastwise-out'];

const { status, signal } = spawnSync(process.execPath, [leastwise, 'run', ...args], { stdio: 'inherit' });
process.exitCode = signal === null ? (status ?? 1) : 130;
