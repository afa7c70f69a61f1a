/** Takes the place of what looks like a secret. */
export const REDACTED = '[redacted]';

const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT = 256;

/** A word that names a secret: `password`, `DB_PASS`, `api-key`, `AccessToken`. */
const SECRET_WORD =
  '[\\w.-]*(?:passw(?:or)?d|passphrase|pwd|pass|secret|token|api[_-]?key|access[_-]?key|credentials?|auth)';

/** The value follows as the next argument: `--password hunter2`, `-p hunter2`. */
const FLAG_BEFORE = new RegExp(`^(?:--?${SECRET_WORD}|-p)$`, 'i');
/** What says of itself that the next word is a secret, anywhere in a text: of a shell's `-c`, or a header. */
const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // https://user:password@host
  [/([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@]{1,256}@/gi, `$1${REDACTED}@`],
  // Authorization: Bearer abc; Basic abc
  [/\b(bearer|basic)\s+[^\s'"]{1,1024}/gi, `$1 ${REDACTED}`],
  // password=…, --token=…, PGPASSWORD='…', "secret": "…"
  [
    new RegExp(`(?<![\\w.-])(${SECRET_WORD}["']?\\s{0,2}[=:]\\s{0,2})("[^"]*"?|'[^']*'?|[^\\s"'&;|]+)`, 'gi'),
    `$1${REDACTED}`,
  ],
  // --password …, -p …, within the text of a script
  [new RegExp(`((?:^|\\s)--?${SECRET_WORD}\\s+)("[^"]*"?|'[^']*'?|[^\\s-][^\\s]*)`, 'gi'), `$1${REDACTED}`],
  // curl -u user:password
  [/((?:^|\s)(?:-u|--user)(?:\s+|=))[^\s:]{1,256}:\S+/g, `$1${REDACTED}`],
  // mysql -phunter2: no flag of one letter that is followed by a path or a port
  [/((?:^|\s)-p)(?![\s/:])(?!\d{1,5}(?:\s|$|:))(\S{3,})/g, `$1${REDACTED}`],
  // Keys of clouds and forges, JSON Web Tokens.
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, REDACTED],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,})/g, REDACTED],
  [/\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g, REDACTED],
  [/-----BEGIN [A-Z ]*PRIVATE KEY[\s\S]*/g, REDACTED],
  // Long runs that are no words and no paths: hashes, keys, base64.
  [/\b[0-9a-f]{32,}\b/gi, REDACTED],
  [
    /(?<![\w+/=.-])(?=[\w+/]*\d)(?=[\w+/]*[A-Z])(?=[\w+/]*[a-z])[\w+]{1,12}[\w+/]{28,}={0,2}(?![\w+/=.-])/g,
    REDACTED,
  ],
];

/**
 * A command as it may be kept and shown: what looks like a secret is `[redacted]`, by a small set of rules (values
 * after `--password`, `-p`, `token=` and their like, user names and passwords in URLs, keys of clouds, long hexadecimal
 * or base64 words). Long arguments are cut, of many the first are kept, and `…` says so.
 *
 * Rules cannot know every secret: a password that stands alone looks like any other word.
 * @remarks Pure; linear in the length of what is kept.
 */
export function redactCommand(words: readonly string[]): string[] {
  const kept: string[] = [];
  let before = '';
  for (const word of words.slice(0, MAX_ARGUMENTS)) {
    // Cut only after it was redacted, since half a secret may not look like one.
    const shown = hidden(word, before) ? REDACTED : redactText(word.slice(0, 4 * MAX_ARGUMENT));
    kept.push(shown.length > MAX_ARGUMENT ? `${shown.slice(0, MAX_ARGUMENT)}…` : shown);
    before = word;
  }
  if (words.length > MAX_ARGUMENTS) kept.push('…');
  return kept;
}

/** Whether an argument is a secret because of the one before it. `mkdir -p /x` is about a folder. */
function hidden(word: string, before: string): boolean {
  if (before === '-u' || before === '--user') return word.includes(':');
  return FLAG_BEFORE.test(before) && !word.startsWith('-') && !word.startsWith('/');
}

function redactText(text: string): string {
  return RULES.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
