#!/usr/bin/env node
// `npm run bench:growth [-- --events 10000] [-- --repeats 2] [-- --write]`: how time and memory of `leastwise generate
// --all`, the whole process, grow with events, subjects, names, namespaces and levels. With `--write` the plots go to
// docs/images and the table into docs/performance.md; each figure is the least of the repeats.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { drawGrowth } from './growth/draw.mjs';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    repeats: { type: 'string', default: '2' },
    write: { type: 'boolean', default: false },
  },
});
const events = Number(values.events);
const repeats = Number(values.repeats);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'leastwise-growth-'));

function run(args, env = {}) {
  const { status, stderr } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`ended with ${String(status)}: ${stderr.slice(-2000)}`);
}

/** What the program takes for a generated log, whose size and other numbers are given. */
function measure(given) {
  const wanted = { events, subjects: 200, names: 12_000, namespaces: 50, mix: 'metadata', ...given };
  const log = join(folder, 'audit.log');
  const flags = Object.entries(wanted).flatMap(([name, value]) => [`--${name}`, String(value)]);
  run([here('generate-log.mjs'), ...flags, '--out', log]);
  const usage = join(folder, 'usage.json');
  const took = Array.from({ length: repeats }, () => {
    const program = ['--import', here('growth/tell-usage.mjs'), here('../../packages/cli/bin/leastwise.js')];
    run([...program, 'generate', '-f', log, '--all', '-q'], { GROWTH_USAGE: usage });
    return JSON.parse(readFileSync(usage, 'utf8'));
  });
  const bytes = statSync(log).size;
  rmSync(log);
  const cpuUs = Math.min(...took.map((each) => each.cpuUs));
  const peakMiB = Math.min(...took.map((each) => each.peakBytes)) / 2 ** 20;
  return {
    events: wanted.events,
    usPerEvent: cpuUs / wanted.events,
    peakMiB,
    bytesPerEvent: bytes / wanted.events,
  };
}

const MANY = events * 20;
const AXES = [
  {
    name: 'events',
    what: 'events',
    points: [1, 10, 100].map((factor) => ({ at: events * factor, given: { events: events * factor } })),
  },
  {
    name: 'subjects',
    what: 'subjects',
    points: [200, 2_000, 20_000, 200_000].map((subjects) => ({
      at: subjects,
      given: { events: MANY, subjects, names: Math.max(12_000, subjects * 4) },
    })),
  },
  {
    name: 'names',
    what: 'names of objects',
    points: [1_000, 10_000, 100_000, 1_000_000].map((names) => ({
      at: names,
      given: { events: MANY, names },
    })),
  },
  {
    name: 'namespaces',
    what: 'namespaces',
    points: [50, 500, 5_000, 50_000].map((namespaces) => ({
      at: namespaces,
      given: { events: MANY, subjects: 2_000, namespaces },
    })),
  },
  {
    name: 'levels',
    what: 'what the log has of bodies',
    isNamed: true,
    points: ['metadata', 'mixed', 'bodies'].map((mix) => ({ at: mix, given: { events: events * 5, mix } })),
  },
];

const grouped = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
const rows = [['what grows', 'to', 'events', 'bytes an event', 'CPU, µs an event', 'peak, MiB']];
try {
  for (const axis of AXES) {
    const points = axis.points.map(({ at, given }) => ({ at, ...measure(given) }));
    for (const { at, events: count, bytesPerEvent, usPerEvent, peakMiB } of points) {
      const to = typeof at === 'number' ? grouped(at) : at;
      rows.push([
        axis.what,
        to,
        grouped(count),
        grouped(bytesPerEvent),
        usPerEvent.toFixed(2),
        grouped(peakMiB),
      ]);
      console.log(rows.at(-1).join('  '));
    }
    if (values.write) {
      writeFileSync(here(`../../docs/images/growth-${axis.name}.svg`), `${await drawGrowth(points, axis)}\n`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
const line = (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
const [head, ...others] = rows;
const machine = `${String(cpus().length)} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${String(Math.round(totalmem() / 2 ** 30))} GiB, Node ${process.versions.node}, ${process.platform}; the least of ${String(repeats)} runs.`;
const table = [line(head), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
console.log(`\n${machine}\n\n${table}`);
if (values.write) {
  const file = here('../../docs/performance.md');
  const [begin, end] = ['<!-- growth: begin -->', '<!-- growth: end -->'];
  const text = readFileSync(file, 'utf8');
  const [at, to] = [text.indexOf(begin), text.indexOf(end)];
  if (at < 0 || to < at) throw new Error(`${file} has no place for the table`);
  writeFileSync(file, `${text.slice(0, at)}${begin}\n\n${machine}\n\n${table}\n\n${text.slice(to)}`);
}
