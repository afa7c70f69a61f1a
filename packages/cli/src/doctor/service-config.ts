import { basename } from 'node:path';

import { CliError } from '../exit.ts';
import type { Io } from '../io.ts';
import { startService } from '../start-service.ts';
import type { SecretSources } from './config-secret.ts';
import { ConfigView } from './config-view.ts';

/** The services that have a configuration. */
export const SERVICES = ['aggregator', 'publisher', 'auditor'] as const;

/** One of {@link SERVICES}. */
export type ServiceName = (typeof SERVICES)[number];

/** A configuration to look at. */
export interface GivenConfig {
  readonly service: ServiceName;
  /** `undefined`: what the service's environment says. */
  readonly file: string | undefined;
}

/** What a service says about its configuration. */
export interface ReadConfig extends GivenConfig {
  readonly view: ConfigView;
  /** What is wrong with it, as the service says it. */
  readonly problems: readonly string[];
  readonly sources: SecretSources;
}

/**
 * Whose configuration `--config` names: `SERVICE=FILE`, a file whose name begins with that of the service
 * (`publisher.yaml`, `aggregator-prod.yaml`), or a service alone, for what its environment says.
 * @throws CliError where it is none of them, or a service has two
 */
export function givenConfigs(texts: readonly string[]): readonly GivenConfig[] {
  const given = texts.map(givenConfig);
  for (const { service } of given) {
    if (given.filter((each) => each.service === service).length > 1)
      throw new CliError(`--config: the ${service} has two`);
  }
  return given;
}

function givenConfig(text: string): GivenConfig {
  const alone = SERVICES.find((each) => each === text);
  if (alone !== undefined) return { service: alone, file: undefined };
  const named = SERVICES.find((each) => text.startsWith(`${each}=`));
  if (named !== undefined && text.length > named.length + 1)
    return { service: named, file: text.slice(named.length + 1) };
  const byName = SERVICES.find((each) => new RegExp(`^${each}[.-]`).test(basename(text)));
  if (byName !== undefined) return { service: byName, file: text };
  throw new CliError(
    `--config "${text}" does not say whose it is: write it as SERVICE=FILE, the service one of ${SERVICES.join(', ')}`,
  );
}

/**
 * Asks a service about its configuration, as `leastwise config` does.
 * @throws CliError where the service is not installed here
 */
export async function readConfig(given: GivenConfig, io: Io, env: NodeJS.ProcessEnv): Promise<ReadConfig> {
  const said = { stdout: '', stderr: '' };
  const capture = (name: keyof typeof said) => ({
    isTTY: false,
    columns: 80,
    write: (text: string) => {
      said[name] += text;
    },
  });
  const argv = given.file === undefined ? [] : [`--config=${given.file}`];
  const exitCode = await startService(given.service, ['config', 'print', ...argv], {
    ...io,
    stdout: capture('stdout'),
    stderr: capture('stderr'),
  });
  const lines = said.stderr.split('\n').flatMap((line) => (line.startsWith('  ') ? [line.trim()] : []));
  const problems = exitCode === 0 ? [] : lines.length > 0 ? lines : [`it ended with code ${exitCode}`];
  return { ...given, view: new ConfigView(said.stdout), problems, sources: { argv, env } };
}
