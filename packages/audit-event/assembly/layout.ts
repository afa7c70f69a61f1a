// Where things lie in the module's memory. Addresses below `INPUT` are fixed; the table and the arena lie behind the input.

/** What a scan found: see `Result` for its parts. */
export const RESULT: usize = 64;
/** The name of the operator's cluster field, as it stands between the quotes of a key. */
export const CLUSTER_NAME: usize = 1024;
export const MAX_CLUSTER_NAME: usize = 256;
/** The key of the event in hand, as it is put together. */
export const KEY: usize = 4096;
/** Longer keys are left to the plain scanner, so that a few events cannot fill the arena. */
export const MAX_KEY: usize = 16 * 1024;
/** The bytes of the event in hand. */
export const INPUT: usize = 32 * 1024;
export const MAX_INPUT: usize = 1024 * 1024;
/** How far a read may go over the end of what it looks at. */
export const SLACK: usize = 64;
export const TABLE: usize = INPUT + MAX_INPUT + 4096;

/** Offsets of a scan's results from `RESULT`. All but the time are 32-bit integers; places count from `INPUT`. */
export namespace Result {
  /** The place after the object. */
  export const END: usize = 0;
  /** Of an undecided scan: the place of what could not be read. */
  export const STOP: usize = 4;
  export const AUDIT_ID_START: usize = 8;
  export const AUDIT_ID_END: usize = 12;
  /** A 64-bit float, in microseconds since the epoch. */
  export const RECEIVED_AT: usize = 16;
  /** The id of what the event shares with those of other names; -1 where its name is part of its shape alone. */
  export const PATTERN: usize = 24;
  export const NAME_START: usize = 28;
  export const NAME_END: usize = 32;
  /** How many bytes the URI has before the name. */
  export const HOLE: usize = 36;
  /** How often all shapes were forgotten. */
  export const GENERATION: usize = 40;
}

/** In place of an address: the plain scanner must decide. */
export const UNDECIDED: usize = 0;

export const TAB: i8 = 0x09;
export const NEWLINE: i8 = 0x0a;
export const RETURN: i8 = 0x0d;
export const BLANK: i8 = 0x20;
export const QUOTE: i8 = 0x22;
export const COMMA: i8 = 0x2c;
export const MINUS: i8 = 0x2d;
export const SLASH: i8 = 0x2f;
export const COLON: i8 = 0x3a;
export const QUESTION_MARK: i8 = 0x3f;
export const OPEN_BRACKET: i8 = 0x5b;
export const BACKSLASH: i8 = 0x5c;
export const CLOSE_BRACKET: i8 = 0x5d;
export const OPEN_BRACE: i8 = 0x7b;
export const CLOSE_BRACE: i8 = 0x7d;

/** Gives up, and notes what could not be read. */
export function undecided(at: usize): usize {
  store<u32>(RESULT + Result.STOP, <u32>(at - INPUT));
  return UNDECIDED;
}
