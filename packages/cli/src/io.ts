import type { Readable } from 'node:stream';

import pc from 'picocolors';

/** A stream that text goes to. */
export interface TextOutput {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): void;
}

/** What a command may touch of its process, so that tests can stand in for it. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** The real stream behind stderr, for progress bars; `undefined` where there is no terminal. */
  readonly terminal: NodeJS.WriteStream | undefined;
  /** Monotonic milliseconds, for rates only. */
  now(): number;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  readonly colors: ReturnType<typeof pc.createColors>;
}

/** Colours only where somebody looks and nobody asked for none (https://no-color.org). */
export function colorsFor(isTTY: boolean, environment: NodeJS.ProcessEnv): Io['colors'] {
  const isWanted = isTTY && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
  return pc.createColors(isWanted);
}

/** The process's own streams. */
export function processIo(signal: AbortSignal): Io {
  const output = (stream: NodeJS.WriteStream): TextOutput => ({
    isTTY: stream.isTTY,
    columns: stream.columns || 80,
    write: (text) => {
      stream.write(text);
    },
  });
  return {
    stdin: process.stdin,
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    terminal: process.stderr.isTTY ? process.stderr : undefined,
    now: () => performance.now(),
    signal,
    colors: colorsFor(process.stderr.isTTY, process.env),
  };
}
