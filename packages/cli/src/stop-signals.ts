import { constants } from 'node:os';

const NAMES = ['SIGINT', 'SIGTERM'] as const;
type StopSignal = (typeof NAMES)[number];

/** What of a process is needed to be told of signals. */
export interface SignalSource {
  on(name: StopSignal, listener: () => void): unknown;
}

/** The exit code by which a shell knows the signal that ended a process: 128 and its number. */
function exitCodeOf(name: StopSignal): number {
  return 128 + constants.signals[name];
}

/**
 * Aborts when the process is asked to stop, with the name of the signal as the reason. Asked a second time, by
 * whichever signal, it calls `end` at once: where the process is the first of its container, the system would
 * ignore a signal that has no listener.
 */
export function stopOnSignals(source: SignalSource, end: (exitCode: number) => void): AbortSignal {
  const stop = new AbortController();
  for (const name of NAMES) {
    source.on(name, () => {
      if (stop.signal.aborted) end(exitCodeOf(name));
      stop.abort(name);
    });
  }
  return stop.signal;
}

/** The exit code of what `signal` interrupted: 143 after SIGTERM, 130 otherwise. */
export function interruptedExit(signal: AbortSignal): number {
  return exitCodeOf(NAMES.find((name) => name === signal.reason) ?? 'SIGINT');
}
