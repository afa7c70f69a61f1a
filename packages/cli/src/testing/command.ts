import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { afterAll } from 'vitest';

import { colorsFor } from '../io.ts';
import { main } from '../program.ts';

/** How a command ended and what it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs in this process. */
export interface Running {
  readonly ended: Promise<Outcome>;
  /** What it said so far. */
  stdout(): string;
  stderr(): string;
  stop(signal: string): void;
}

/** Starts a command. */
export function started(words: readonly string[], stdin: Readable | string = ''): Running {
  const said = { stdout: '', stderr: '' };
  const stop = new AbortController();
  const output = (name: keyof typeof said) => ({
    isTTY: false,
    columns: 80,
    write: (text: string) => {
      said[name] += text;
    },
  });
  const io = {
    stdin: typeof stdin === 'string' ? Readable.from([Buffer.from(stdin)]) : stdin,
    stdout: output('stdout'),
    stderr: output('stderr'),
    terminal: undefined,
    now: () => performance.now(),
    signal: stop.signal,
    colors: colorsFor(false, {}),
  };
  const ended = main(words, io, '0.0.0').then((code) => ({ code, ...said }));
  // Seen by whoever awaits it; until then it is no unhandled rejection.
  ended.catch(() => undefined);
  return {
    ended,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    stop: (signal) => {
      stop.abort(signal);
    },
  };
}

/** Runs a command to its end. */
export function leastwise(words: readonly string[], stdin?: string): Promise<Outcome> {
  return started(words, stdin).ended;
}

/** Paths in a folder of this test file's own, which is removed after its last test. Nothing is there yet. */
export function ownFolder(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'leastwise-cli-'));
  let count = 0;
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return () => {
    count += 1;
    return join(root, String(count));
  };
}

/** The files below a folder by their paths, but for state and its lock. */
export async function treeOf(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  const paths = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of paths) {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    if (entry.isFile() && !/^(?:\.leastwise\/|lock-)/.test(path))
      tree[path] = await readFile(join(root, path), 'utf8');
  }
  return Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A line of a log: an allowed request of a user in one namespace, or in none. */
export function asked(
  user: string,
  what: string,
  { namespace = 'ns1', id = `${user} ${what}` } = {},
): string {
  const [verb = '', resource = ''] = what.split(' ');
  const scope = namespace === '' ? '' : `/namespaces/${namespace}`;
  const event = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: id,
    stage: 'ResponseComplete',
    requestURI: `/api/v1${scope}/${resource}`,
    verb,
    user: { username: user },
    objectRef: { resource, namespace, apiVersion: 'v1' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed' },
  };
  return `${JSON.stringify(event)}\n`;
}
