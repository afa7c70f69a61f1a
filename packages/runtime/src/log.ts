import pino from 'pino';

import { logFields, logText } from './log-fields.ts';
import { escapeHidden } from './text.ts';

/** What belongs to a message: `subject`, `partition`, `offset`, `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How much is said: everything at and above this level. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** The levels, for a schema. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const satisfies LogLevel[];

/** Says what happens. A message never varies, so that equal ones group; what varies are its fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** A log whose lines all hold these fields too. */
  child(fields: LogFields): Log;
}

/** How a log is made. */
export interface LogOptions {
  /** Of the service; the field `name` of each line. */
  readonly name: string;
  /** `info` unless given. */
  readonly level?: LogLevel;
  /** Takes each line, its newline included; standard output unless given. */
  readonly write?: (line: string) => void;
}

/**
 * A log of one JSON object a line. Lines are written before the call returns, so that the last words of a
 * process that dies are there. Fields with the name of a secret, {@link Secret}s and credentials in URLs are
 * hidden; texts are cut at 4096 characters; errors keep their chain of causes; characters that could fool a
 * terminal or a reader are escaped.
 */
export function createLog({ name, level = 'info', write }: LogOptions): Log {
  const options: pino.LoggerOptions = {
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Fields are plain already.
    serializers: { err: (value: unknown) => value },
    hooks: { streamWrite: escapeHidden },
  };
  const stream = write === undefined ? pino.destination({ dest: 1, sync: true }) : { write };
  return wrap(pino(options, stream));
}

/** A log that says nothing, for tests. */
export function createNullLog(): Log {
  const log: Log = { debug, info: debug, warn: debug, error: debug, fatal: debug, child: () => log };
  return log;
  function debug(): void {
    // Nothing is said.
  }
}

function wrap(logger: pino.Logger): Log {
  const at =
    (level: Exclude<LogLevel, 'silent'>) =>
    (message: string, fields: LogFields = {}): void => {
      // Fields are read only for lines that are written.
      if (logger.isLevelEnabled(level)) logger[level](logFields(fields), logText(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => wrap(logger.child(logFields(fields))),
  };
}
