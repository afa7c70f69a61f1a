import { execFile } from 'node:child_process';

import { PublishError } from '@leastwise/publish';

import { codeOf } from './fs-error.ts';

/** What one call of git gave. */
export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How one call of git differs from the usual. */
export interface GitCall {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

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
].flatMap((setting) => ['-c', setting]);

/**
 * Runs git in a directory without a shell, and without the machine's and the user's configuration, hooks,
 * signatures, editors and prompts. Whatever the exit code, the result is returned.
 * @throws PublishError if git cannot be started.
 */
export function tryGit(cwd: string, args: readonly string[], call: GitCall = {}): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      [...SETTINGS, ...args],
      { cwd, env: { ...hermeticEnvironment(), ...call.env }, encoding: 'buffer', maxBuffer: Infinity },
      (error, stdout, stderr) => {
        if (error === null) resolve({ exitCode: 0, stdout, stderr: '' });
        else if (typeof error.code === 'number') {
          resolve({ exitCode: error.code, stdout, stderr: stderr.toString('utf8').trim() });
        } else reject(new PublishError(`git cannot be run: ${codeOf(error)}`, { cause: error }));
      },
    );
    // git may end before it has read everything; its exit code tells what happened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(call.input ?? '');
  });
}

/**
 * Runs git as {@link tryGit} does and gives its output.
 * @throws PublishError if git fails, with its last words.
 */
export async function runGit(cwd: string, args: readonly string[], call: GitCall = {}): Promise<Buffer> {
  const result = await tryGit(cwd, args, call);
  if (result.exitCode === 0) return result.stdout;
  throw new PublishError(`git ${args[0] ?? ''} failed (${String(result.exitCode)}): ${result.stderr}`);
}

/** Splits output of `-z` into its records. */
export function splitNul(output: Buffer): string[] {
  const records = output.toString('utf8').split('\0');
  records.pop();
  return records;
}

/** This process's environment without any of git's own variables, which a hook or a wrapper may have set. */
function hermeticEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return {
    ...Object.fromEntries(own),
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
