import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { openForge } from '@leastwise/forge';
import { PublishError } from '@leastwise/publish';
import type { PolicyOptions } from '@leastwise/rbac';
import type { AuditSource } from '@leastwise/source';
import {
  type CountingDeadLetters,
  openFileSource,
  openFollowSource,
  openWebhookSource,
  type WebhookTls,
} from '@leastwise/source-file';
import { openEmbeddedStore, type SubjectStore } from '@leastwise/state';
import type { Command } from 'commander';

import { CliError, EXIT, hasCode, messageOf } from '../exit.ts';
import type { Ingestion } from '../ingest.ts';
import type { Io } from '../io.ts';
import { readLive } from '../live.ts';
import { printable, safeJson } from '../output.ts';
import { inferPolicies, refusalText } from '../policies.ts';
import { addPolicyFlags, oneOf, namedApart, type PolicyFlags, policyOptions } from '../policy-flags.ts';
import { startProgress } from '../progress.ts';
import { publishPolicies, type Published } from '../publish.ts';
import { interruptedExit } from '../stop-signals.ts';
import { summarize, type Summary, summaryText } from '../summary.ts';
import { addInputFlags, enforceStrict, type InputFlags } from './input-flags.ts';
import { openReading } from './read-logs.ts';

interface RunFlags extends InputFlags, PolicyFlags {
  readonly follow?: string;
  readonly listen?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly interval: number;
  readonly out: string;
  readonly state?: string;
  readonly output: 'text' | 'json';
  readonly quiet?: boolean;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,6}$/.test(text) || value < 1)
    throw new CliError(`"${text}" is not a number of seconds (1 or more)`);
  return value;
}

/** Adds `leastwise run`. */
export function addRun(program: Command, io: Io): void {
  const command = program
    .command('run')
    .description('the whole pipeline in one process: audit events in, a GitOps repository out');
  addInputFlags(command);
  command
    .option('--follow <file>', 'read a log as it grows, across rotations, until stopped')
    .option('--listen <address>', "be the API server's audit webhook on HOST:PORT, until stopped")
    .option('--tls-cert <file>', 'certificate of --listen')
    .option('--tls-key <file>', 'private key of --listen')
    .option('--tls-client-ca <file>', 'ask clients of --listen for a certificate of this authority')
    .option('--interval <seconds>', 'with --follow and --listen, publish so often', seconds, 60)
    .requiredOption(
      '--out <folder>',
      'the GitOps repository: commits when it is a git work tree, files otherwise',
    )
    .option('--state <folder>', 'what is remembered between runs (default: .leastwise in --out)');
  addPolicyFlags(command)
    .option('-o, --output <form>', 'the summary as text or json', oneOf('text', 'json'), 'text')
    .option('-q, --quiet', 'no summary')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  leastwise run -f audit.log --out policies\n' +
        '  leastwise run --follow /var/log/kubernetes/audit.log --cluster prod --out policies\n' +
        '  leastwise run --listen 127.0.0.1:8443 --out policies --interval 30\n',
    )
    .action(async (flags: RunFlags) => {
      await run(flags, io);
    });
}

function checkFlags(flags: RunFlags): void {
  const sources = [flags.filename, flags.follow, flags.listen].filter((each) => each !== undefined);
  if (sources.length !== 1) throw new CliError('give one of -f FILE…, --follow FILE, --listen HOST:PORT');
  if (flags.cluster === '') throw new CliError('--cluster cannot be empty');
}

function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new CliError(`"${text}" is not an address as HOST:PORT`);
  return { host: match[1] ?? (match[2] === '' || match[2] === undefined ? '127.0.0.1' : match[2]), port };
}

async function tlsOf(flags: RunFlags): Promise<WebhookTls | undefined> {
  const { tlsCert, tlsKey, tlsClientCa } = flags;
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new CliError('--tls-cert and --tls-key go together');
  const read = (file: string): Promise<Buffer> =>
    readFile(file).catch((cause: unknown) => {
      throw new CliError(`cannot read ${file}: ${messageOf(cause)}`);
    });
  const [cert, key] = [await read(tlsCert), await read(tlsKey)];
  return { cert, key, ...(tlsClientCa === undefined ? {} : { clientCa: await read(tlsClientCa) }) };
}

/** Where the position in a followed log is kept: one state may follow several logs, one after the other. */
function positionFile(stateFolder: string, log: string): string {
  const digest = createHash('sha256').update(resolve(log)).digest('hex');
  return join(stateFolder, `follow-${digest.slice(0, 16)}.json`);
}

async function openSource(flags: RunFlags, stateFolder: string, io: Io): Promise<AuditSource> {
  const { filename, follow } = flags;
  if (filename !== undefined) return openFileSource({ inputs: filename, stdin: io.stdin });
  const warn = (text: string): void => {
    io.stderr.write(`warning: ${printable(text)}\n`);
  };
  if (follow !== undefined) {
    return openFollowSource({ file: follow, positionFile: positionFile(stateFolder, follow), warn });
  }
  const tls = await tlsOf(flags);
  const source = await openWebhookSource({
    ...addressOf(flags.listen ?? ''),
    ...(tls === undefined ? {} : { tls }),
    warn,
  });
  io.stderr.write(`listening on ${source.url}\n`);
  if (flags.tlsClientCa === undefined) {
    io.stderr.write(
      'warning: whoever reaches this address is believed; --tls-client-ca asks for a certificate\n',
    );
  }
  return source;
}

/** The state names people and is no policy: it must not end up in the repository that it stands in. */
async function keepOutOfGit(folder: string): Promise<void> {
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch((cause: unknown) => {
    if (!hasCode(cause, 'EEXIST')) throw new CliError(`cannot write to ${folder}: ${messageOf(cause)}`);
  });
}

interface Pipeline {
  readonly flags: RunFlags;
  readonly options: PolicyOptions;
  readonly store: SubjectStore;
  readonly ingestion: Ingestion;
  readonly letters: CountingDeadLetters;
}

interface Publication {
  readonly summary: Summary;
  readonly published: Published;
  /** Whose policies were left out, for people; `undefined` where all were published. */
  readonly refusal: string | undefined;
}

/** Renders what the state knows, proves it, and writes it out. */
async function publish(pipeline: Pipeline): Promise<Publication> {
  const { flags, options, store, ingestion, letters } = pipeline;
  const clusters = await store.read();
  const inferred = inferPolicies(clusters, options, () => true);
  const published = await publishPolicies(await openForge(flags.out), inferred, clusters);
  const summary = summarize({
    stats: ingestion.stats,
    onlyReceived: (await store.facts()).onlyReceived,
    unreadableSamples: letters.summary().first,
    clusters,
    inferred,
  });
  return { summary, published, refusal: refusalText(inferred) };
}

function publishedText({ written, deleted, foreign, commit }: Published, out: string): string {
  const isSame = written === 0 && deleted === 0;
  const change = isSame ? 'nothing changed' : `${String(written)} files written, ${String(deleted)} removed`;
  const where = commit === undefined ? '' : `, commit ${commit.slice(0, 12)}`;
  const left = foreign
    .map((path) => `  left alone   ${printable(path)}: not written by leastwise\n`)
    .join('');
  return `  published    ${printable(out)}: ${change}${where}\n${left}`;
}

function report(pipeline: Pipeline, io: Io, result: Publication): void {
  const { flags } = pipeline;
  if (flags.output === 'json') {
    io.stdout.write(
      `${safeJson(JSON.stringify({ ...result.summary, published: result.published }, null, 2))}\n`,
    );
  } else if (flags.quiet !== true) {
    io.stdout.write(summaryText(result.summary, io) + publishedText(result.published, flags.out));
  }
}

async function run(flags: RunFlags, io: Io): Promise<void> {
  checkFlags(flags);
  const options = namedApart(policyOptions(flags), flags);
  const stateFolder = flags.state ?? join(flags.out, '.leastwise');
  await using store = await openEmbeddedStore({ dir: stateFolder });
  if (flags.state === undefined) await keepOutOfGit(stateFolder);
  const { ingestion, letters } = await openReading(flags, store, {
    group: undefined,
    observe: { deniedAs: 'denied' },
    // What a publisher, or `report kubectl`, makes a report of.
    hasDays: true,
    isAllOrNothing: flags.strict === true,
  });
  const pipeline: Pipeline = { flags, options, store, ingestion, letters };
  const source = await openSource(flags, stateFolder, io);
  try {
    if (flags.filename !== undefined) await runOnce(pipeline, source, io);
    else await runLive(pipeline, source, io);
  } finally {
    await source.close();
    await letters.close();
  }
}

async function runOnce(pipeline: Pipeline, source: AuditSource, io: Io): Promise<void> {
  const { flags, ingestion, letters, store } = pipeline;
  const progress = startProgress(io);
  try {
    await ingestion.read(source, progress, io.signal);
  } finally {
    progress.stop();
  }
  // Before anything is published: a run that cannot keep its dead letters has failed.
  await letters.flush();
  enforceStrict(flags, ingestion.stats, letters);
  await store.flush();
  if (io.signal.aborted) {
    const message = 'interrupted: what was read is kept, nothing was published';
    throw new CliError(message, interruptedExit(io.signal));
  }
  const result = await publish(pipeline);
  report(pipeline, io, result);
  if (result.refusal !== undefined) throw new CliError(result.refusal, EXIT.negative);
}

/** A repository that cannot be written now, or a policy that would break its promise. */
function isRepairable(error: unknown): error is Error {
  return error instanceof PublishError || (error instanceof CliError && error.exitCode === EXIT.promise);
}

async function runLive(pipeline: Pipeline, source: AuditSource, io: Io): Promise<void> {
  const { ingestion, store, flags, letters } = pipeline;
  let refusal: string | undefined;
  await readLive({
    source,
    signal: io.signal,
    now: () => io.now(),
    intervalMs: flags.interval * 1000,
    take: (chunk) => {
      ingestion.take(chunk);
      // What was taken since the last save is in no state then, and not acknowledged.
      enforceStrict(flags, ingestion.stats, letters);
    },
    save: async () => {
      // Letters first: where they cannot be kept, nothing that came with them becomes state or is acknowledged.
      await letters.flush();
      await ingestion.commit();
      await store.flush();
    },
    publish: async () => {
      try {
        const result = await publish(pipeline);
        report(pipeline, io, result);
        if (result.refusal !== undefined && result.refusal !== refusal) {
          io.stderr.write(`${result.refusal.split('\n').map(printable).join('\n')}\n`);
        }
        refusal = result.refusal;
        return true;
      } catch (error) {
        // What was received is safe in the state; whoever mends the repository need not restart us.
        if (!isRepairable(error)) throw error;
        io.stderr.write(`${printable(`not published, will try again: ${error.message}`)}\n`);
        return false;
      }
    },
  });
  if (refusal !== undefined) throw new CliError(refusal, EXIT.negative);
}
