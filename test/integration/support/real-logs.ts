import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import type { CountedRequest } from '@leastwise/audit-event';
import { Ingestion } from '@leastwise/cli';
import { openFileSource } from '@leastwise/source-file';
import { openEmbeddedStore } from '@leastwise/state';

const ROOT = new URL('../../../', import.meta.url);
const DATA = fileURLToPath(new URL('../shared/data/', ROOT));

/** The recording that the project ships. */
const EXAMPLE = fileURLToPath(new URL('examples/audit.log.gz', ROOT));
/** The whole of the recording that the example is a cut of; it may be absent. */
export const ALPHA = `${DATA}cluster-alpha.audit.log.gz`;
export const hasAlpha = existsSync(ALPHA);

/** Both, as far as they are there. */
export const RECORDINGS: readonly (readonly [name: string, log: string])[] = [
  ['the example', EXAMPLE],
  ...(hasAlpha ? [['cluster-alpha', ALPHA] as const] : []),
];

function logsBelow(folder: string, isLog: RegExp): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && isLog.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => !/\/_(?:policies|rbac|attribution)\//.test(path) && basename(path) !== 'README.md')
    .sort();
}

/** Every public log, and what Fluent Bit made of one; empty where they are absent. */
export const PUBLIC_LOGS: readonly string[] = existsSync(`${DATA}public`)
  ? [
      ...logsBelow(`${DATA}public`, /\.(?:log|json|jsonl|ndjson|yaml|txt)$/),
      ...logsBelow(`${DATA}fluent-bit`, /\.ndjson$/),
    ]
  : [];

/** A log's path without the folder of the recordings. */
export function shortName(path: string): string {
  return path.replace(DATA, '');
}

/** The lines of a recording, without their newlines. */
export async function linesIn(path: string): Promise<string[]> {
  const bytes = await readFile(path);
  const text = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  return text.toString('utf8').trimEnd().split('\n');
}

/** The requests that are counted in a log, each once. */
export async function requestsIn(path: string): Promise<CountedRequest[]> {
  await using store = await openEmbeddedStore();
  const requests: CountedRequest[] = [];
  const ingestion = await Ingestion.start(store, {
    cluster: 'default',
    clusterField: undefined,
    filters: [],
    filterDefault: 'allow',
    group: undefined,
    observe: (request, isNew) => {
      if (isNew) requests.push(request);
    },
    deadLetters: { write: () => undefined, flush: () => Promise.resolve(), close: () => Promise.resolve() },
  });
  const source = await openFileSource({ inputs: [path] });
  const silent = { update: () => undefined, stop: () => undefined };
  await ingestion.read(source, silent, new AbortController().signal);
  await source.close();
  return requests;
}
