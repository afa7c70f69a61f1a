import { Readable, Writable } from 'node:stream';

import { colorsFor, main } from '@leastwise/cli';
import type { Io, TextOutput } from '@leastwise/cli';

/** How a command ended and what it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What went to the terminal behind stderr: the progress bar. */
  readonly terminal: string;
}

/** A command that is still running, in this process. */
export interface Running {
  readonly ended: Promise<Outcome>;
  /** What it said so far. */
  stdout(): string;
  stderr(): string;
  /** What SIGINT does. */
  stop(): void;
}

/** What a command finds around it. */
export interface Surroundings {
  readonly stdin?: Readable | string;
  /** Both outputs are terminals. */
  readonly isTerminal?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
}

class Collected implements TextOutput {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = '';

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

class FakeTerminal extends Writable {
  readonly isTTY = true;
  readonly columns = 80;
  readonly rows = 24;
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Starts a command in this process, with streams that keep what is written to them. */
export function start(args: readonly string[], surroundings: Surroundings = {}): Running {
  const { stdin = '', isTerminal = false, environment = {} } = surroundings;
  const [stdout, stderr, terminal] = [
    new Collected(isTerminal),
    new Collected(isTerminal),
    new FakeTerminal(),
  ];
  const stop = new AbortController();
  const io: Io = {
    stdin: typeof stdin === 'string' ? Readable.from([Buffer.from(stdin)]) : stdin,
    stdout,
    stderr,
    terminal: isTerminal ? (terminal as unknown as NodeJS.WriteStream) : undefined,
    now: () => performance.now(),
    signal: stop.signal,
    colors: colorsFor(isTerminal, environment),
  };
  const ended = main(args, io, '0.0.0').then((code) => ({
    code,
    stdout: stdout.text,
    stderr: stderr.text,
    terminal: terminal.text,
  }));
  // Seen by whoever awaits it; until then it is no unhandled rejection.
  ended.catch(() => undefined);
  return {
    ended,
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    stop: () => {
      stop.abort('SIGINT');
    },
  };
}

/** Runs a command in this process to its end. @throws what is a bug of the program */
export function leastwise(args: readonly string[], surroundings?: Surroundings): Promise<Outcome> {
  return start(args, surroundings).ended;
}

/** Runs the whole pipeline into a folder, the state beside it. @throws Error where it does not end well */
export async function published(out: string, ...args: string[]): Promise<Outcome> {
  const outcome = await leastwise(['run', '--out', out, '--state', `${out}.state`, ...args]);
  if (outcome.code !== 0 || outcome.stderr !== '') throw new Error(`exit ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}
