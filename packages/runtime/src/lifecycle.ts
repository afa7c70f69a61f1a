import { EXIT_CONFIG } from './config.ts';
import type { Log } from './log.ts';

const EXIT_FAILURE = 1;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** A service at work. Disposing it stops it gracefully: not ready, no more input, drained, committed, closed. */
export interface RunningService extends AsyncDisposable {
  /** Settles when the service ends by itself: rejects if it failed, resolves if its work is done. */
  readonly ended?: Promise<void>;
}

/** What of the process a service's life needs. */
export interface ProcessLike {
  exitCode?: number | string | null | undefined;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  exit(code: number): void;
}

/** How a service is run. */
export interface ServiceOptions {
  readonly name: string;
  readonly log: Log;
  /**
   * Starts the service. The signal is aborted when the process is told to stop, which may be before the
   * start is through; then it may throw the signal's reason.
   */
  readonly start: (signal: AbortSignal) => Promise<RunningService>;
  /** How long stopping may take: less than the pod's grace period, after which Kubernetes kills. */
  readonly shutdownMs: number;
  readonly process?: ProcessLike;
}

/**
 * Runs a service from start to end and sets the exit code: 0 after SIGTERM or SIGINT and a graceful stop, or
 * after its work is done; else that of the error's `exitCode`, or 1. A second signal, a stop that outlasts
 * `shutdownMs`, and whatever nobody caught exit with 1 at once.
 * @remarks The clean path calls no exit: the process ends when everything is closed. What was left open shows
 *   as an exit with 1 at the deadline.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { name, log, process: host = process, start } = options;
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const deadline = createDeadline(options, host);
  catchStrays(log, host);
  for (const signal of SIGNALS) {
    host.on(signal, () => {
      if (stop.signal.aborted) {
        log.error('stopping at once: a second signal', { signal });
        host.exit(EXIT_FAILURE);
        return;
      }
      log.info('stopping', { signal, shutdownMs: options.shutdownMs });
      deadline.begin();
      stop.abort(new DOMException(`${name} was told to stop by ${signal}`, 'AbortError'));
    });
  }
  let exitCode = 0;
  const fail = (error: unknown): void => {
    // Said now, as what comes next may never end; the first failure gives the code.
    log.fatal('service failed', { err: error });
    if (exitCode === 0) exitCode = exitCodeOf(error);
  };
  try {
    const service = await start(stop.signal);
    log.info('started');
    // Also while it drains: what fails then is a failure.
    const ended = (service.ended ?? stopped).catch(fail);
    await Promise.race([stopped, ended]);
    deadline.begin();
    await service[Symbol.asyncDispose]();
  } catch (error) {
    if (!isReasonOf(stop.signal, error)) fail(error);
  }
  host.exitCode = exitCode;
  log.info('stopped', { exitCode });
  deadline.begin();
  deadline.release(exitCode);
}

/** Tells a person what is wrong with a configuration, on standard error, and sets the exit code 78. */
export function refuseConfig(
  problems: readonly string[],
  host: Pick<ProcessLike, 'exitCode'> & { readonly stderr: { write(text: string): unknown } } = process,
): void {
  host.stderr.write(`bad configuration:\n${problems.map((problem) => `  ${problem}\n`).join('')}`);
  host.exitCode = EXIT_CONFIG;
}

interface Deadline {
  /** Starts the time, once. */
  begin(): void;
  /** From now on the time runs only while something else keeps the process alive. */
  release(exitCode: number): void;
}

function createDeadline({ log, shutdownMs }: ServiceOptions, host: ProcessLike): Deadline {
  let timer: NodeJS.Timeout | undefined;
  let message = 'stopping took too long';
  let code = EXIT_FAILURE;
  return {
    begin: () => {
      // It keeps the process alive: a drain that waits for nothing any more would end it with code 0.
      timer ??= setTimeout(() => {
        log.fatal(message, { shutdownMs });
        host.exit(code);
      }, shutdownMs);
    },
    release: (exitCode) => {
      message = 'something was left open';
      if (exitCode !== 0) code = exitCode;
      timer?.unref();
    },
  };
}

/** Whether an error only says that the signal was aborted; some of Node's functions wrap the reason. */
function isReasonOf(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.cause === signal.reason);
}

function catchStrays(log: Log, host: ProcessLike): void {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    host.on(event, (error) => {
      try {
        log.fatal('an error that nobody caught', { event, err: error });
      } finally {
        host.exit(EXIT_FAILURE);
      }
    });
  }
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && 'exitCode' in error ? error.exitCode : undefined;
  return typeof code === 'number' && Number.isInteger(code) && code > 0 && code < 256 ? code : EXIT_FAILURE;
}
