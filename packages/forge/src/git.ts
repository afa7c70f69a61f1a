import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import { PublishError } from '@leastwise/publish';

import { codeOf } from './fs-error.ts';

/** What one call of git gave. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Its last words, where it failed. */
  readonly stderr: string;
  /** Whether it was ended because its time was up. */
  readonly hasTimedOut: boolean;
}

/** How one call of git differs from the usual. */
export interface GitCall {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Settings for this call, `key=value`; other users of the machine can see them, so they hold no secret. */
  readonly settings?: readonly string[];
  /** After this time git is ended, with all that it started; never, by default. */
  readonly timeoutMs?: number;
  /**
   * Of this process's environment, git gets only where programs, temporary files and proxies are: no home, in which
   * curl would look for `.netrc`, no agent that holds keys, no helper that asks for passwords.
   */
  readonly isIsolated?: boolean;
}

/** Git in one directory. */
export interface Git {
  /** As {@link tryGit}. */
  readonly try: (args: readonly string[], call?: GitCall) => Promise<GitResult>;
  /** As {@link runGit}. */
  readonly run: (args: readonly string[], call?: GitCall) => Promise<Buffer>;
}

/** Git failed at something that was not expected to fail. */
export class GitError extends PublishError {}

/**
 * Settings that a repository's own configuration could hold and that would run programs of somebody's choice
 * beside a commit, or make its outcome depend on the machine.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.safecrlf=false',
  'commit.gpgSign=false',
];

/** How much of what git says on stderr is kept: the end, where its last words are. A server may say what it likes there. */
const KEPT_STDERR_BYTES = 16_384;

/** What an isolated call keeps of this process's environment; proxies are told to programs in no other way. */
const KEPT_WHEN_ISOLATED = new Set([
  ...['PATH', 'TMPDIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'],
]);

/**
 * Runs git in a directory without a shell, and without the machine's and the user's configuration, hooks,
 * signatures, editors and prompts. Whatever the exit code, the result is returned.
 * @throws PublishError if git cannot be started, and GitError if somebody else ended it.
 */
export function tryGit(cwd: string, args: readonly string[], call: GitCall = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const settings = [...SETTINGS, ...(call.settings ?? [])].flatMap((setting) => ['-c', setting]);
    const child = spawn('git', [...settings, ...args], {
      cwd,
      env: { ...hermeticEnvironment(call.isIsolated === true), ...call.env },
      stdio: 'pipe',
      // What has a time limit leads a process group, so that its transports end with it.
      detached: call.timeoutMs !== undefined,
    });
    const stdout: Buffer[] = [];
    let stderr = Buffer.alloc(0);
    let hasTimedOut = false;
    const timer = startTimer(call.timeoutMs, () => {
      hasTimedOut = true;
      endGroup(child);
    });
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-KEPT_STDERR_BYTES);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new PublishError(`git cannot be run: ${codeOf(error)}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === null && !hasTimedOut) {
        reject(new GitError(`git was ended by ${String(signal)}`));
        return;
      }
      const lastWords = code === 0 ? '' : stderr.toString('utf8').trim();
      resolve({ exitCode: code ?? 1, stdout: Buffer.concat(stdout), stderr: lastWords, hasTimedOut });
    });
    // git may end before it has read everything; its exit code tells what happened.
    child.stdin.on('error', () => undefined);
    child.stdin.end(call.input ?? '');
  });
}

/**
 * Runs git as {@link tryGit} does and gives its output.
 * @throws GitError if git fails, with its last words.
 */
export async function runGit(cwd: string, args: readonly string[], call: GitCall = {}): Promise<Buffer> {
  const result = await tryGit(cwd, args, call);
  if (result.exitCode === 0 && !result.hasTimedOut) return result.stdout;
  const why = result.hasTimedOut ? 'out of time' : String(result.exitCode);
  throw new GitError(`git ${args[0] ?? ''} failed (${why}): ${result.stderr}`);
}

/** Git in one directory, each call with these ways unless it says otherwise. */
export function gitIn(cwd: string, usual: GitCall = {}): Git {
  const merged = (call: GitCall = {}): GitCall => ({ ...usual, ...call, env: { ...usual.env, ...call.env } });
  return {
    try: (args, call) => tryGit(cwd, args, merged(call)),
    run: (args, call) => runGit(cwd, args, merged(call)),
  };
}

/** Splits output of `-z` into its records. */
export function splitNul(output: Buffer): string[] {
  const records = output.toString('utf8').split('\0');
  records.pop();
  return records;
}

/** This process's environment without any of git's own variables, which a hook or a wrapper may have set. */
function hermeticEnvironment(isIsolated: boolean): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) =>
    isIsolated ? KEPT_WHEN_ISOLATED.has(name) : !name.startsWith('GIT_'),
  );
  return {
    ...Object.fromEntries(kept),
    // Nothing can ever be below it.
    ...(isIsolated ? { HOME: '/dev/null' } : {}),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_EDITOR: ':',
    LC_ALL: 'C',
  };
}

function startTimer(ms: number | undefined, act: () => void): NodeJS.Timeout | undefined {
  return ms === undefined ? undefined : setTimeout(act, ms);
}

function endGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself meanwhile.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
