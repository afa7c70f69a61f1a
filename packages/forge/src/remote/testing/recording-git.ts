import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { vi } from 'vitest';

import { temporaryDirectory } from '../../testing/temporary.ts';

/** Writes down the arguments of each call of git that this process makes from now on; ends with `vi.unstubAllEnvs`. */
export function recordingGit(): { readonly read: () => string[] } {
  const folder = temporaryDirectory();
  const log = join(folder, 'log');
  const real = execFileSync('/bin/sh', ['-c', 'command -v git']).toString().trim();
  // Calls that git makes of itself come from elsewhere on the path, or with git's own variables.
  const lines = [
    '#!/bin/sh',
    `printf '%s ' "$@" | tr '\\n' ' ' >> '${log}'`,
    `echo >> '${log}'`,
    `exec '${real}' "$@"`,
  ];
  writeFileSync(join(folder, 'git'), `${lines.join('\n')}\n`, { mode: 0o755 });
  rmSync(log, { force: true });
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  return {
    read: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
  };
}
