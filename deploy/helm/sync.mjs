#!/usr/bin/env node
// `sync.mjs [--check]`: puts into the chart what has its source elsewhere: the schema of its values, the kinds of
// objects, the rules for Prometheus and the dashboards. A chart is packed alone, so it cannot point outside of itself.
// With `--check` it writes nothing, names what is not current, and ends with 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { format, resolveConfig } from 'prettier';

import { valuesSchema } from './values-schema.mjs';

const DEPLOY = fileURLToPath(new URL('..', import.meta.url));
const CHART = join(DEPLOY, 'helm/leastwise');
const FILES = join(CHART, 'files');

function named(folder, suffix) {
  const names = readdirSync(join(DEPLOY, folder)).filter((name) => name.endsWith(suffix));
  return names.map((name) => [name, readFileSync(join(DEPLOY, folder, name), 'utf8')]);
}

/** By path, what the chart has to hold. */
async function wanted() {
  const services = ['aggregator', 'publisher', 'auditor'];
  const schemas = services.map((name) => {
    return [name, JSON.parse(readFileSync(join(DEPLOY, `schema/${name}.schema.json`), 'utf8'))];
  });
  const path = join(CHART, 'values.schema.json');
  const options = { ...(await resolveConfig(path)), filepath: path };
  const schema = await format(JSON.stringify(valuesSchema(Object.fromEntries(schemas))), options);
  const copies = [
    ['crds', named('crds', '.yaml')],
    ['prometheus', named('prometheus', '.rules.yaml')],
    ['dashboards', named('grafana/dashboards', '.json')],
  ];
  return new Map([
    [path, schema],
    ...copies.flatMap(([folder, files]) => files.map(([name, text]) => [join(FILES, folder, name), text])),
  ]);
}

function present() {
  if (!existsSync(FILES)) return [];
  const entries = readdirSync(FILES, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const files = await wanted();
const stale = [...files].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
const surplus = present().filter((path) => !files.has(path));
if (!values.check) {
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  for (const path of surplus) rmSync(path);
} else if (stale.length + surplus.length > 0) {
  const paths = [...stale.map(([path]) => path), ...surplus].map((path) => relative(DEPLOY, path));
  process.stderr.write(`not current: ${paths.join(', ')}\nrun node deploy/helm/sync.mjs\n`);
  process.exitCode = 1;
}
