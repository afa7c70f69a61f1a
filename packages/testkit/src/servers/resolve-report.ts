import { appendFileSync } from 'node:fs';

/** A server by the name that people know. */
export type ServerName = 'alertmanager' | 'gitea' | 'kafka' | 'redis';

const said = new Set<string>();

/**
 * Says once on stderr what tests run against, and adds the line to the file of `LEASTWISE_TEST_SERVERS_REPORT`, so that
 * a run can end by a table.
 */
export function sayServer(name: ServerName, what: string): void {
  const line = `${name}: ${what}\n`;
  if (said.has(line)) return;
  said.add(line);
  process.stderr.write(line);
  const file = process.env['LEASTWISE_TEST_SERVERS_REPORT'];
  if (file !== undefined && file !== '') appendFileSync(file, line);
}

/**
 * Says that a server is missing, and why.
 * @throws Error in CI, where nobody would see what was skipped
 */
export function sayMissing(name: ServerName, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  sayServer(name, `MISSING, so its tests are SKIPPED: ${reason}`);
  const ci = process.env['CI'] ?? '';
  if (ci !== '' && ci !== 'false') throw new Error(`${name} is missing: ${reason}`, { cause: error });
}
