import { readFile } from 'node:fs/promises';

import { identityOf, truthOf } from '../../fault/support/oracle.ts';
import { decode, type Known, nothingKnown, rawPartitions } from '../../fault/support/redis-state.ts';

/** A service account, as `system:serviceaccount:NAMESPACE:NAME` spells it. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** The lines of a log that is being written: the last one may be half there. */
async function linesOf(auditLog: string): Promise<string[]> {
  return (await readFile(auditLog, 'utf8')).split('\n').slice(0, -1);
}

/** How many events a log has. */
export async function eventsInLog(auditLog: string): Promise<number> {
  return (await linesOf(auditLog)).length;
}

/** The lines of an account's events. */
async function eventsOf(auditLog: string, { namespace, name }: Account): Promise<string[]> {
  const username = `system:serviceaccount:${namespace}:${name}`;
  return (await linesOf(auditLog)).filter((line) => {
    const event = JSON.parse(line) as { readonly user?: { readonly username?: string } };
    return event.user?.username === username;
  });
}

/** How many requests an account made, by the API server's own log. */
export async function requestsInLog(auditLog: string, account: Account): Promise<number> {
  const events = await eventsOf(auditLog, account);
  return new Set(events.map((line) => identityOf(JSON.parse(line)))).size;
}

/**
 * What should be known of an account's requests: count, first, last, samples and days of each, by an oracle that reads
 * the log and shares no code with the product.
 */
export async function cellsInLog(auditLog: string, cluster: string, account: Account): Promise<Known> {
  const events = await eventsOf(auditLog, account);
  const records = events.map((line, offset) => ({
    topic: 'log',
    partition: 0,
    offset,
    timestampMs: 0,
    key: Buffer.from((JSON.parse(line) as { readonly auditID: string }).auditID),
    value: Buffer.from(line),
    headers: { 'leastwise-cluster': cluster },
  }));
  const truth = truthOf(records, { dedupeHours: 2, isPoison: () => false, isNothing: () => false });
  return { ...nothingKnown(), cells: truth.cells };
}

/** What the state in Redis knows of them, read from its hashes as they stand there. */
export async function cellsInState(
  redisUrl: string,
  prefix: string,
  cluster: string,
  { namespace, name }: Account,
): Promise<Known> {
  const { cells, late, lost, onlyReceived } = decode(await rawPartitions(redisUrl, prefix));
  const isOfAccount = (key: string): boolean => {
    const [in_, , kind, of, who] = JSON.parse(key) as string[];
    return in_ === cluster && kind === 'ServiceAccount' && of === namespace && who === name;
  };
  const own = new Map([...cells].filter(([key]) => isOfAccount(key)));
  return { ...nothingKnown(), cells: own, late, lost, onlyReceived };
}
