import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort, startChild } from './child.ts';
import { sayMissing, sayServer } from './resolve-report.ts';
import { LaunchedServer, type ServerProcess, withOtherPorts } from './server-process.ts';

/** How to start Alertmanager. */
export interface AlertmanagerOptions {
  /** Where it keeps its data; made where it is missing. */
  readonly dir: string;
  /** A free one where nothing is said. */
  readonly port?: number;
}

/** A real Alertmanager on loopback that tells nobody. */
export interface AlertmanagerServer extends ServerProcess {
  readonly url: string;
}

/** As Debian names it, and as its authors do. */
const BINARIES = ['prometheus-alertmanager', 'alertmanager'];
const CONFIG = 'route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n';

const run = promisify(execFile);

async function installed(): Promise<{ readonly binary: string; readonly version: string }> {
  for (const binary of BINARIES) {
    const said = await run(binary, ['--version']).catch(() => undefined);
    const version = /version (\S+)/.exec(`${said?.stdout ?? ''}${said?.stderr ?? ''}`)?.[1];
    if (version !== undefined) return { binary, version };
  }
  throw new Error(`none of ${BINARIES.join(', ')} is installed`);
}

/**
 * Whether {@link startAlertmanager} cannot work here, for `describe.skipIf`; it says loudly what cannot be had.
 * @throws Error in CI instead of `true`
 */
export async function lacksAlertmanager(): Promise<boolean> {
  try {
    sayServer('alertmanager', `local process ${(await installed()).version}`);
    return false;
  } catch (error) {
    sayMissing('alertmanager', error);
    return true;
  }
}

/** Starts Alertmanager and waits until it answers. @throws Error where it is not installed or does not come up */
export async function startAlertmanager(options: AlertmanagerOptions): Promise<AlertmanagerServer> {
  return options.port === undefined ? withOtherPorts(() => launch(options)) : launch(options);
}

async function launch({ dir, port: wanted }: AlertmanagerOptions): Promise<AlertmanagerServer> {
  const { binary, version } = await installed();
  const port = wanted ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'alertmanager.yml');
  await writeFile(config, CONFIG);
  const server = new LaunchedServer({
    what: `Alertmanager ${version}`,
    start: () =>
      startChild(
        binary,
        [
          ...['--config.file', config, '--storage.path', join(dir, 'data'), '--cluster.listen-address', ''],
          ...['--web.listen-address', `127.0.0.1:${port}`],
        ],
        join(dir, 'alertmanager.log'),
      ),
    isReady: async () => {
      const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok === true;
    },
  });
  await server.ready();
  return Object.assign(server, { url });
}
