/** Exit codes of the command line. */
export const EXIT = {
  ok: 0,
  /** Nothing observed, something refused, or a difference: an answer, not a fault. */
  negative: 1,
  /** Usage, or input that cannot be read at all. */
  usage: 2,
  /** A policy would have broken a promise: nothing was written. */
  promise: 3,
} as const;

/** Whether this is an error of the system with that code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ends a command with a message for the user and an exit code; never with a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code = 'LW_CLI';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
