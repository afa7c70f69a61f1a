import { openRepository } from '@leastwise/forge';
import { planCycle, PromiseBrokenError } from '@leastwise/publish';
import { escapeTerminal } from '@leastwise/render';
import { createNullLog, type LoadedConfig, refuseConfig } from '@leastwise/runtime';
import { StateError } from '@leastwise/state';
import { StoreConnectionError } from '@leastwise/state-redis';

import type { PublisherConfig } from './config.ts';
import { configProblems } from './config-problems.ts';
import type { Cycle } from './cycle.ts';
import { resultOfError } from './outcome.ts';
import { planJson, planText } from './plan-text.ts';
import { activitySettings, clusterFiles, cycleSettings, repositorySettings } from './settings.ts';
import { openState } from './state-source.ts';

/** What of the process the command needs. */
export interface PlanHost {
  exitCode?: number | string | null | undefined;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** How a plan is asked for. */
export interface PlanOptions {
  /** The arguments after `plan`. */
  readonly argv: readonly string[];
  /** Reads the configuration from what is left of them. */
  readonly load: (argv: readonly string[]) => LoadedConfig<PublisherConfig>;
  readonly version: string;
  readonly host: PlanHost;
  /** The cycle itself; for tests. */
  readonly plan?: Cycle;
}

const EXIT = { failure: 1, usage: 2, promise: 3 } as const;

/**
 * Prints what a cycle would do now, and does nothing: it takes no lease, and asks the forge only. Exit codes: 0; 1 the
 * state, the repository or the forge cannot be read; 2 usage; 3 a policy would break a promise; 78 the configuration.
 */
export async function runPlanCommand({ argv, load, version, host, plan }: PlanOptions): Promise<void> {
  const form = formOf(argv);
  if (form === undefined) {
    host.stderr.write(
      'usage: leastwise-publisher plan [-o text|json] [--config FILE] [--key.path=value …]\n',
    );
    host.exitCode = EXIT.usage;
    return;
  }
  const loaded = load(form.rest);
  const problems = loaded.ok ? await configProblems(loaded.value) : loaded.problems;
  if (!loaded.ok || problems.length > 0) {
    refuseConfig(problems, host);
    return;
  }
  try {
    const warn = (problem: string): void => {
      host.stderr.write(`warning: ${escapeTerminal(problem)}\n`);
    };
    const outcome = await look(loaded.value, { version, plan: plan ?? planCycle, warn });
    for (const problem of outcome.problems) warn(problem);
    host.stdout.write(form.isJson ? planJson(outcome) : planText(outcome));
  } catch (error) {
    const isExpected =
      resultOfError(error) !== undefined ||
      error instanceof StateError ||
      error instanceof StoreConnectionError;
    if (!isExpected || !(error instanceof Error)) throw error;
    host.stderr.write(`error: ${error.message.split('\n').map(escapeTerminal).join('\n')}\n`);
    host.exitCode = error instanceof PromiseBrokenError ? EXIT.promise : EXIT.failure;
  }
}

interface Form {
  readonly isJson: boolean;
  readonly rest: readonly string[];
}

/** The form of the output, and the arguments that are the configuration's; `undefined` for a form that there is not. */
function formOf(argv: readonly string[]): Form | undefined {
  const rest = [...argv];
  let form = 'text';
  for (let at = rest.findIndex(isForm); at >= 0; at = rest.findIndex(isForm)) {
    const [word = '', value = ''] = rest.slice(at, at + 2);
    const isJoined = word.includes('=');
    form = isJoined ? word.slice(word.indexOf('=') + 1) : value;
    rest.splice(at, isJoined ? 1 : 2);
  }
  return form === 'text' || form === 'json' ? { isJson: form === 'json', rest } : undefined;
}

function isForm(word: string): boolean {
  return word === '-o' || word === '--output' || word.startsWith('-o=') || word.startsWith('--output=');
}

interface Looking {
  readonly version: string;
  readonly plan: Cycle;
  readonly warn: (problem: string) => void;
}

async function look(config: PublisherConfig, { version, plan, warn }: Looking) {
  await using repository = await openRepository(repositorySettings(config));
  await using source = await openState(config, createNullLog());
  const settings = {
    held: await source.alerted(),
    ...cycleSettings(config, version, repository.filesUrl),
    ...(await clusterFiles(config)),
    ...(await activitySettings(config, warn)),
  };
  const state = await source.read();
  const { remote, pulls } = repository;
  return await plan(state, settings, { remote, pulls, nowUs: Date.now() * 1000 });
}
