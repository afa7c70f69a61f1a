#!/usr/bin/env node
// `npm run bench [-- --events N] [-- --audit2rbac PATH]`: whole processes over the same generated logs in one run,
// each beside the baseline (split into lines, JSON.parse, one Map count). Ratios, not seconds, are the result.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '200000' },
    subjects: { type: 'string', default: '200' },
    names: { type: 'string', default: '120000' },
    runs: { type: 'string', default: '3' },
    audit2rbac: { type: 'string' },
    keep: { type: 'string' },
  },
});

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = values.keep ?? join(tmpdir(), 'leastwise-bench');
mkdirSync(folder, { recursive: true });

/** Runs a command with its output thrown away; CPU seconds and the largest resident memory come from GNU time's way: /proc. */
function measure(command, args) {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let peakKiB = 0;
    let cpu = 0;
    let errors = '';
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-2000)));
    const watch = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
        const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        cpu = (Number(fields[11]) + Number(fields[12])) / 100;
      } catch {
        // It ended between two looks: the last one stands.
      }
    }, 10);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(watch);
      if (code !== 0) reject(new Error(`${command} ${args.join(' ')} ended with ${code}\n${errors}`));
      else resolve({ cpu, wall: Number(process.hrtime.bigint() - started) / 1e9, peakMiB: peakKiB / 1024 });
    });
  });
}

async function median(command, args) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i += 1) runs.push(await measure(command, args));
  const middle = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[Math.floor(runs.length / 2)];
  return { cpu: middle('cpu'), wall: middle('wall'), peakMiB: Math.max(...runs.map((run) => run.peakMiB)) };
}

const node = process.execPath;
const leastwise = here('../../packages/cli/bin/leastwise.js');
const events = Number(values.events);
const rows = [];

for (const mix of ['metadata', 'mixed', 'bodies']) {
  const log = join(folder, `${mix}-${events}.log`);
  if (!existsSync(log)) {
    await measure(node, [
      here('generate-log.mjs'),
      '--events',
      String(events),
      '--subjects',
      values.subjects,
      '--names',
      values.names,
      '--mix',
      mix,
      '--seed',
      '1',
      '--out',
      log,
    ]);
  }
  const bytes = statSync(log).size;
  const baseline = await median(node, [here('baseline.mjs'), log]);
  const row = (what, result) =>
    rows.push({
      log: mix,
      'bytes a line': Math.round(bytes / events),
      what,
      'events per CPU second': Math.round(events / result.cpu).toLocaleString('en'),
      'ratio to baseline (CPU)': (baseline.cpu / result.cpu).toFixed(2),
      'ratio (wall)': (baseline.wall / result.wall).toFixed(2),
      'peak MiB': Math.round(result.peakMiB),
    });
  row('baseline: split + JSON.parse + Map', baseline);
  row('leastwise generate --all', await median(node, [leastwise, 'generate', '-f', log, '--all', '-q']));
  row('leastwise run (new state)', await fresh(log));
  if (values.audit2rbac !== undefined) {
    row(
      'audit2rbac, one subject',
      await median(values.audit2rbac, ['-f', log, '--serviceaccount', 'ns-0:app-0']),
    );
  }
  if (values.keep === undefined) rmSync(log);
}

async function fresh(log) {
  const out = join(folder, 'out');
  const runs = [];
  for (let i = 0; i < Number(values.runs); i += 1) {
    rmSync(out, { recursive: true, force: true });
    runs.push(await measure(node, [leastwise, 'run', '-f', log, '--out', out, '-q']));
  }
  rmSync(out, { recursive: true, force: true });
  return runs.sort((a, b) => a.cpu - b.cpu)[Math.floor(runs.length / 2)];
}

console.table(rows);
