import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Alert, alertField, encodeAlert } from '@leastwise/activity';
import { Gathering, type SubjectStore } from '@leastwise/state';
import { AlertMemory, closeRedis, connectRedis, RedisStore } from '@leastwise/state-redis';
import { auditEvent, requestTarget, requestTo, START_US, userInfo } from '@leastwise/testkit';

/** Runs git as a person would, and gives what it prints. */
export function git(root: string, ...args: string[]): string {
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Person',
    GIT_AUTHOR_EMAIL: 'person@example.com',
    GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
    GIT_COMMITTER_NAME: 'Person',
    GIT_COMMITTER_EMAIL: 'person@example.com',
    GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  };
  return execFileSync('git', args, { cwd: root, env, encoding: 'utf8', stdio: 'pipe' });
}

/** A bare repository with one commit on `main`; those of equal content are equal, to the commit. */
export function bareRepository(root: string): string {
  mkdirSync(root, { recursive: true });
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', '.');
  git(root, 'config', 'uploadpack.allowFilter', 'true');
  const tree = git(root, 'hash-object', '-w', '-t', 'tree', '/dev/null').trim();
  const commit = git(root, 'commit-tree', tree, '-m', 'start').trim();
  git(root, 'update-ref', 'refs/heads/main', commit);
  return root;
}

/** Merges a branch as the button of a forge does, and deletes it. */
export function merge(root: string, branch: string): void {
  const main = git(root, 'rev-parse', 'main').trim();
  const tree = git(root, 'rev-parse', `${branch}^{tree}`).trim();
  const commit = git(root, 'commit-tree', tree, '-p', main, '-p', branch, '-m', `merge ${branch}`).trim();
  git(root, 'update-ref', 'refs/heads/main', commit);
  git(root, 'update-ref', '-d', `refs/heads/${branch}`);
}

/** What each branch points at. */
export function branchesOf(root: string): Readonly<Record<string, string>> {
  const lines = git(root, 'for-each-ref', '--format=%(refname:short) %(objectname)').trim().split('\n');
  return Object.fromEntries(lines.filter(Boolean).map((line) => line.split(' ') as [string, string]));
}

/** A request of an account `namespace:name` for pods of its namespace. */
export type Asked = readonly [account: string, verb: 'get' | 'list' | 'create' | 'delete', day?: number];

/** Adds requests to a store, as a further batch of one source. */
export async function count(store: SubjectStore, asked: readonly Asked[]): Promise<void> {
  const claim = await store.claim('log');
  const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: false });
  for (const [i, [account, verb, day = 0]] of asked.entries()) {
    const namespace = account.split(':', 1)[0] ?? '';
    gathering.add(
      auditEvent({
        ...requestTo(
          requestTarget({ verb, resource: 'pods', namespace, name: verb === 'list' ? '' : 'web' }),
        ),
        auditID: `${claim.position}-${i}`,
        receivedAtUs: START_US + day * 86_400_000_000 + i,
        user: userInfo({ username: `system:serviceaccount:${account}` }),
      }),
      'prod',
    );
  }
  const to = String(Number(claim.position) + asked.length);
  const result = await store.applyBatch({ claim, from: claim.position, to, deltas: gathering.take() });
  if (result !== 'applied') throw new Error(result);
}

/** Adds requests to a state in Redis. */
export async function countInRedis(url: string, asked: readonly Asked[]): Promise<void> {
  const connection = await connectRedis({ target: { url } });
  try {
    await count(new RedisStore(connection, { prefix: 'leastwise:', dedupeHours: 100 }), asked);
  } finally {
    await closeRedis(connection);
  }
}

/** A deletion by kubectl, of a person or of a service account by its whole name. */
export type Deleted = readonly [user: string, day: number];

/** Adds what people did to a state in Redis, and what alerts found of it. */
export async function deleteInRedis(
  url: string,
  deleted: readonly Deleted[],
  alerts: readonly Alert[],
): Promise<void> {
  const connection = await connectRedis({ target: { url } });
  try {
    const store = new RedisStore(connection, { prefix: 'leastwise:', dedupeHours: 100 });
    const claim = await store.claim('log');
    const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: true });
    for (const [i, [username, day]] of deleted.entries()) {
      gathering.add(
        auditEvent({
          ...requestTo(requestTarget({ verb: 'delete', resource: 'pods', namespace: 'shop', name: 'web' })),
          auditID: `deleted-${claim.position}-${i}`,
          receivedAtUs: START_US + day * 86_400_000_000 + i,
          user: userInfo({ username }),
          userAgent: 'kubectl/v1.34.1 (linux/amd64)',
        }),
        'prod',
      );
    }
    const to = String(Number(claim.position) + deleted.length);
    const result = await store.applyBatch({ claim, from: claim.position, to, deltas: gathering.take() });
    if (result !== 'applied') throw new Error(result);
    const memory = new AlertMemory(connection, { prefix: 'leastwise:' });
    const claimed = await memory.claim('prod');
    const values = new Map(alerts.map((alert) => [alertField(alert), encodeAlert(alert)]));
    await claimed.write(values, '');
  } finally {
    await closeRedis(connection);
  }
}

/** A publisher in a process of its own. */
export interface PublisherProcess {
  readonly child: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Everything that it said. */
  log(): string;
  /** The first line of the log with this message, as soon as it is there. */
  logged(message: string): Promise<Readonly<Record<string, unknown>>>;
}

/** Starts a publisher by its program, as operators do. */
export function startProcess(
  program: string,
  folder: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): PublisherProcess {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `log-${String(Math.random()).slice(2)}`);
  const log = openSync(file, 'a');
  const child = spawn(process.execPath, [program, ...flags], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], ...environment },
  });
  closeSync(log);
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => (code ?? signal) as number | string);
  const said = (): string => readFileSync(file, 'utf8');
  return {
    child,
    ended,
    log: said,
    logged: async (message) => {
      for (;;) {
        const line = said()
          .split('\n')
          .find((each) => each.includes(`"msg":"${message}"`));
        if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
        if (child.exitCode !== null) throw new Error(`ended without "${message}":\n${said()}`);
        await sleep(20);
      }
    },
  };
}
