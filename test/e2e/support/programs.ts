import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program with nothing of this machine's settings. @returns its output. @throws Error with what it said */
export async function runAlone(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const env = { PATH: process.env['PATH'], ...environment };
  return (await run(program, [...args], { env })).stdout;
}

/** Clones a repository's base branch into a folder, as whoever deploys does. */
export async function clone(url: string, folder: string, home: string): Promise<void> {
  const env = { HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  await runAlone('git', ['clone', '--quiet', '--depth=1', '--branch=main', url, folder], env);
}
