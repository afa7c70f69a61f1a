/** A piece of one origin's bytes, in order. Records may span chunks. */
export interface SourceChunk {
  /** What the bytes came from, for people and dead letters: a path, a URL, `-`, or an address. */
  readonly origin: string;
  /** Grows with every chunk of a source; acknowledged in order. */
  readonly position: number;
  /** Valid until the next chunk is asked for: copy what must live longer. */
  readonly bytes: Uint8Array;
  /** The last chunk of this origin: what is still open is a truncated tail. */
  readonly endsOrigin: boolean;
  /** Why the origin ended early (a cut or damaged compressed stream); the bytes before are good. */
  readonly damage?: string;
}

/** How far a source has come, for progress. `totalBytes` is undefined where nobody can know (streams). */
export interface SourceProgress {
  readonly readBytes: number;
  readonly totalBytes: number | undefined;
}

/** Where audit records come from. */
export interface AuditSource {
  /**
   * The chunks, in order. Ends when the source does, or soon after `signal` aborts.
   * @throws SourceError where an origin cannot be opened or read at all.
   */
  chunks(signal: AbortSignal): AsyncIterable<SourceChunk>;
  /** Everything up to `position` is stored durably: whoever sent it may forget it. */
  acknowledge(position: number): Promise<void>;
  progress(): SourceProgress;
  close(): Promise<void>;
}

/** A record that could not be used. */
export interface DeadLetter {
  readonly origin: string;
  /** 1-based line of the origin at which the record starts. */
  readonly line: number;
  /** One of a closed set of reasons. */
  readonly reason: string;
  readonly detail: string;
  readonly bytes: Uint8Array;
}

/** Where unusable records are kept. */
export interface DeadLetterSink {
  write(letter: DeadLetter): void;
  /**
   * Resolves when every letter written so far is durable. Comes before the acknowledgement of what the letters
   * were part of: whoever sent it forgets it then.
   */
  flush(): Promise<void>;
  /** Resolves when every letter is durable. May be called again. */
  close(): Promise<void>;
}

/** An origin that cannot be read at all: no such file, a refused URL, a bad address. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code = 'LW_SOURCE';
}
