import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Child, freePort, startChild, untilReady } from '@leastwise/testkit';

import type { Started } from './started.ts';

/** One of the product's services, in a process of its own. */
export interface Service {
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** Starts it with the same configuration, and waits until it is ready. */
  start(): Promise<void>;
  /** The sum of its series of a metric. */
  metric(name: string): Promise<number>;
}

/** Which service is started, and where. */
export interface ServicePlace {
  readonly dir: string;
  /** Of its files. */
  readonly name: string;
  readonly service: 'aggregator' | 'publisher' | 'auditor';
  readonly started: Started;
}

/**
 * Starts a service by its binary with a configuration file, as operators do, and waits until it is ready.
 * @throws Error with its last words where it does not come up
 */
export async function startService(
  { dir, name, service, started }: ServicePlace,
  config: object,
): Promise<Service> {
  const binary = fileURLToPath(new URL(`../../../services/${service}/bin/${service}.js`, import.meta.url));
  const file = join(dir, `${name}.json`);
  const http = { host: '127.0.0.1', port: await freePort() };
  await writeFile(file, JSON.stringify({ http, ...config }));
  const url = `http://127.0.0.1:${http.port}`;
  let child: Child | undefined;
  started.defer(async () => child?.stop());
  const start = async (): Promise<void> => {
    // Nothing of this machine's own but the path: no settings, no configuration of git.
    const environment = { PATH: process.env['PATH'], HOME: dir };
    child = startChild(process.execPath, [binary, '--config', file], join(dir, `${name}.log`), environment);
    await untilReady(name, child, async () => (await fetch(`${url}/readyz`)).ok);
  };
  await start();
  return {
    start,
    kill: async () => {
      child?.kill('SIGKILL');
      await child?.ended;
    },
    metric: async (metric) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
  };
}
