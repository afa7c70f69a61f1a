import type { OpenedRepository } from '@leastwise/forge';
import {
  branchOf,
  type CycleOutcome,
  type CyclePorts,
  type CycleSettings,
  ForgeError,
  observedState,
  planCycle,
  PromiseBrokenError,
  PublishError,
  type ReviewAction,
  runCycle,
  TeamFileError,
} from '@leastwise/publish';
import type { SubjectStore } from '@leastwise/state';

import { CliError, EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { printable, safeJson } from '../output.ts';
import { interruptedExit } from '../stop-signals.ts';

/** What is published, where to, and how it is told. */
export interface Publication {
  readonly io: Io;
  readonly store: SubjectStore;
  readonly repository: OpenedRepository;
  readonly settings: CycleSettings;
  /** Only says what would be done. */
  readonly isPlan: boolean;
  readonly isJson: boolean;
}

/**
 * One cycle of the publisher, told action by action.
 * @throws CliError with exit code 1 where some action failed, 2 where the repository, its forge or the team's file cannot
 *   be used, 3 where a promise would be broken
 */
export async function publishOnce(publication: Publication): Promise<void> {
  const { io, isPlan, isJson } = publication;
  const outcomes = [await cycle(publication)];
  // What is committed to the base one after the other: each commit is rendered anew on top of the one before.
  for (let last = outcomes[0]; last && isUnfinished(last); last = outcomes.at(-1)) {
    outcomes.push(await cycle(publication));
  }
  const outcome = joined(outcomes);
  for (const problem of outcome.problems) io.stderr.write(`warning: ${printable(problem)}\n`);
  io.stdout.write(isJson ? outcomeJson(outcome) : outcomeText(outcome, isPlan));
  const failures = failuresOf(outcome);
  if (failures.length > 0) throw new CliError(failures.join('\n'), EXIT.negative);
}

async function cycle({ io, store, repository, settings, isPlan }: Publication): Promise<CycleOutcome> {
  const state = await observedState(store, { hasActivity: settings.activityReports !== undefined });
  const { remote, pulls } = repository;
  const progress = startLine(io);
  const goOn = (): void => {
    if (io.signal.aborted) throw new CliError('interrupted', interruptedExit(io.signal));
  };
  const ports: CyclePorts = {
    remote,
    pulls,
    nowUs: Date.now() * 1000,
    onStep: goOn,
    onProgress: (what, done, total) => {
      goOn();
      progress.show(`${what} ${done} of ${total} subjects`);
    },
  };
  try {
    return await (isPlan ? planCycle : runCycle)(state, settings, ports);
  } catch (error) {
    if (error instanceof PromiseBrokenError) throw new CliError(error.message, EXIT.promise);
    const isTheirs =
      error instanceof ForgeError || error instanceof PublishError || error instanceof TeamFileError;
    if (isTheirs) throw new CliError(error.message);
    throw error;
  } finally {
    progress.end();
  }
}

/** Whether something waits only for a commit that has been made now. */
function isUnfinished({ outcomes }: CycleOutcome): boolean {
  const hasPushed = outcomes.some(({ action, result }) => action.action === 'push' && result === 'done');
  return hasPushed && outcomes.some(({ action }) => waitsForOverlap(action));
}

function waitsForOverlap(action: ReviewAction): boolean {
  return action.action === 'leave' && action.reason === 'overlap';
}

/** Several cycles as one; the numbers are those of the first, which saw all that there was to do. */
function joined(outcomes: readonly CycleOutcome[]): CycleOutcome {
  const [first] = outcomes;
  const last = outcomes.at(-1);
  if (first === undefined || last === undefined) throw new Error('no cycle was run');
  const actions = outcomes.flatMap((each) =>
    each.plan.actions.filter((action) => each === last || !waitsForOverlap(action)),
  );
  return {
    ...first,
    plan: { actions },
    problems: [...new Set(outcomes.flatMap(({ problems }) => problems))],
    outcomes: outcomes.flatMap((each) => each.outcomes),
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

/** One line on a terminal, written over and over; nothing where there is none. */
function startLine({ terminal }: Io): { show(text: string): void; end(): void } {
  let width = 0;
  const write = (text: string): void => {
    terminal?.write(`\r${text.padEnd(width)}`);
    width = text.length;
  };
  return {
    show: write,
    end: () => {
      if (width === 0) return;
      write('');
      terminal?.write('\r');
    },
  };
}

/** What was done, in its order, with the addresses of what was opened; of a plan also what the proposals are called. */
function outcomeText({ plan, outcomes, proposals }: CycleOutcome, isPlan: boolean): string {
  const urls = new Map(outcomes.map(({ action, pull }) => [action, pull?.url]));
  const failed = new Set(outcomes.filter(({ result }) => result !== 'done').map(({ action }) => action));
  const lines = plan.actions.flatMap((action) => {
    const url = urls.get(action);
    const mark = failed.has(action) ? 'NOT DONE: ' : '';
    return [`${mark}${action.sentence}`, ...(url === undefined ? [] : [`  ${url}`])];
  });
  const titles = proposals.map((proposal) => `  ${branchOf(proposal)}: ${proposal.title}`);
  const shown = [
    ...(lines.length === 0 ? ['Nothing to do.'] : lines),
    ...(isPlan && titles.length > 0 ? ['', 'Proposals:', ...titles] : []),
  ];
  return `${shown.map(printable).join('\n')}\n`;
}

function outcomeJson({ plan, outcomes, proposals, withheld, waiting, problems }: CycleOutcome): string {
  const told = new Map(outcomes.map((each) => [each.action, each]));
  const actions = plan.actions.map((action) => {
    const { result, pull, commit } = told.get(action) ?? {};
    return {
      action: action.action,
      branch: action.branch,
      ...(action.action === 'leave' ? { reason: action.reason } : {}),
      sentence: action.sentence,
      ...{ result, commit, url: pull?.url },
    };
  });
  const listed = proposals.map((proposal) => ({
    ...{ cluster: proposal.cluster, group: proposal.group, kind: proposal.kind },
    ...{ branch: branchOf(proposal), title: proposal.title },
    changes: proposal.changes.map(({ action, path }) => ({ action, path })),
  }));
  const numbers = { withheld: Object.fromEntries(withheld), waiting: Object.fromEntries(waiting) };
  return safeJson(`${JSON.stringify({ actions, proposals: listed, ...numbers, problems }, null, 2)}\n`);
}

/** What failed, each with the reason; what was not tried for a reason told already is counted. */
function failuresOf({ outcomes, failures }: CycleOutcome): string[] {
  const untried = outcomes.filter(({ result }) => result === 'dropped' || result === 'not-tried').length;
  const texts = outcomes.flatMap(({ action, error }) =>
    error === undefined ? [] : [`${action.sentence} ${error.message}`],
  );
  return [
    ...texts,
    ...failures.map(({ message }) => message),
    ...(untried === 0 ? [] : [`not tried for that reason: ${untried}`]),
  ];
}
