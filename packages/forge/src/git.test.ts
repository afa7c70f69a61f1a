import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { PublishError } from '@leastwise/publish';

import { gitIn, GitError, runGit, tryGit } from './git.ts';
import { temporaryDirectory } from './testing/temporary.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Has git start a shell. */
const shell = (script: string): string[] => ['-c', `alias.run=!${script}`, 'run'];

describe('a call of git', () => {
  test('gives what git said, whatever the exit code', async () => {
    const root = temporaryDirectory();
    expect(await tryGit(root, shell('cat; echo said >&2; exit 3 #'), { input: 'in' })).toEqual({
      exitCode: 3,
      stdout: Buffer.from('in'),
      stderr: 'said',
      hasTimedOut: false,
    });
    await expect(runGit(root, ['nonsense'])).rejects.toThrow(GitError);
    await expect(runGit(root, ['nonsense'])).rejects.toThrow(
      /^git nonsense failed \(1\): git: 'nonsense' is not/,
    );
  });

  test('keeps the end of what git says at length', async () => {
    const script = 'i=0; while [ $i -lt 5000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1 #';
    const { stderr } = await tryGit(temporaryDirectory(), shell(script));
    expect(stderr.length).toBeLessThanOrEqual(16_384);
    expect(stderr.endsWith('line 4999')).toBe(true);
  });

  test('that takes too long is ended, with all that it started', async () => {
    const root = temporaryDirectory();
    const pids = join(root, 'pids');
    const script = `sleep 600 & echo $! $$ > '${pids}'; wait #`;
    const started = tryGit(root, shell(script), { timeoutMs: 1000 });
    expect(await started).toMatchObject({ hasTimedOut: true });
    expect(existsSync(pids)).toBe(true);
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ')) {
      await vi.waitFor(() => expect(isRunning(Number(pid))).toBe(false), 10_000);
    }
    await expect(runGit(root, shell('sleep 600 #'), { timeoutMs: 500 })).rejects.toThrow('out of time');
  });

  test('that somebody else ends is no result', async () => {
    await expect(tryGit(temporaryDirectory(), shell('kill -9 $PPID #'))).rejects.toThrow(GitError);
  });

  test('where there is no git, or no folder', async () => {
    const root = temporaryDirectory();
    await expect(tryGit(join(root, 'nowhere'), ['version'])).rejects.toThrow(PublishError);
    vi.stubEnv('PATH', root);
    await expect(tryGit(root, ['version'])).rejects.toThrow('git cannot be run: ENOENT');
  });

  test('alone sees nothing of the environment but where programs and proxies are', async () => {
    vi.stubEnv('HOME', '/home/somebody');
    vi.stubEnv('SSH_AUTH_SOCK', '/agent');
    vi.stubEnv('GIT_TRACE', '1');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's3cret');
    vi.stubEnv('https_proxy', 'http://proxy:3128');
    const git = gitIn(temporaryDirectory(), { isIsolated: true, env: { ONE: '1', TWO: '1' } });
    const output = await git.run(shell('env #'), { env: { TWO: '2' } });
    const names = output
      .toString('utf8')
      .split('\n')
      .map((line) => line.split('=', 1)[0] ?? '');
    const kept =
      /^(?:PATH|TMPDIR|SSL_CERT_(?:FILE|DIR)|HOME|LC_ALL|ONE|TWO|PWD|OLDPWD|SHLVL|_|https?_proxy|.*_PROXY|no_proxy|all_proxy|GIT_.*|)$/;
    expect(names.filter((name) => !kept.test(name))).toEqual([]);
    expect(names).not.toContain('GIT_TRACE');
    for (const line of ['HOME=/dev/null', 'ONE=1', 'TWO=2', 'https_proxy=http://proxy:3128']) {
      expect(output.toString('utf8')).toContain(`${line}\n`);
    }
  });
});

/** A process that has ended and was not waited for is a zombie, on Linux. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${String(pid)}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}
