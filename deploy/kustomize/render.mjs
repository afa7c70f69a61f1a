#!/usr/bin/env node
// `render.mjs [--check] [--helm PROGRAM]`: makes the base out of what the chart renders, so that both have one source.
// With `--check` it writes nothing, names what is not current, and ends with 1.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { format, resolveConfig } from 'prettier';
import { parseAllDocuments, stringify } from 'yaml';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BASE = join(HERE, 'base');
const NOTICE =
  '# Made by deploy/kustomize/render.mjs from the chart in deploy/helm: change that, or an overlay.\n';
const CONFIG_FILE = /^(?:aggregator|publisher|auditor)\.yaml$/;

function objects(helm) {
  const chart = join(HERE, '../helm/leastwise');
  const args = ['template', 'leastwise', chart, '-n', 'leastwise-system', '--no-hooks'];
  const text = execFileSync(helm, [...args, '-f', join(HERE, 'values.yaml')], { encoding: 'utf8' });
  return parseAllDocuments(text).flatMap((document) => document.toJS() ?? []);
}

/** Without what is Helm's: nobody may take them for a release, and kustomize itself sees a configuration change. */
function withoutHelm(value, key = '') {
  if (Array.isArray(value)) return value.map((each) => withoutHelm(each));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name, text]) => text !== 'Helm' && !/^(?:helm\.sh|checksum)\//.test(name))
    .map(([name, each]) => [name, withoutHelm(each, name)])
    .filter(([, each]) => each !== undefined);
  return key === 'annotations' && entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The file of a service that a ConfigMap holds, if it holds one: kustomize makes that ConfigMap anew. */
function configFile({ kind, data }) {
  if (kind !== 'ConfigMap') return [];
  return Object.entries(data).filter(([name]) => CONFIG_FILE.test(name));
}

/** By path, what the base has to hold. */
async function wanted(helm) {
  const all = objects(helm);
  const files = all.flatMap(configFile).map(([name, text]) => [join(BASE, 'config', name), text]);
  const others = all.filter((each) => configFile(each).length === 0).map((each) => withoutHelm(each));
  const texts = others.map((each) => stringify(each, { aliasDuplicateObjects: false, lineWidth: 0 }));
  const made = [...files, [join(BASE, 'leastwise.yaml'), texts.join('---\n')]];
  return Promise.all(
    made.map(async ([path, text]) => {
      const options = { ...(await resolveConfig(path)), filepath: path };
      return [path, await format(NOTICE + text, options)];
    }),
  );
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, helm: { type: 'string', default: 'helm' } },
});
const files = await wanted(values.helm);
const stale = files.filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
if (!values.check) {
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
} else if (stale.length > 0) {
  const paths = stale.map(([path]) => relative(HERE, path));
  process.stderr.write(`not current: ${paths.join(', ')}\nrun node deploy/kustomize/render.mjs\n`);
  process.exitCode = 1;
}
