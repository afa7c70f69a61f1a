// What the scripts share that put real servers into ~/.cache/leastwise-test.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where what was built once is kept. */
export const CACHE = join(homedir(), '.cache', 'leastwise-test');

/** To people: results go to standard output. */
export const say = (line) => process.stderr.write(`${line}\n`);

/** @throws Error that says what to install, where a program does not run */
export function need(program, args, hint) {
  const { error, status } = spawnSync(program, args, { stdio: 'ignore' });
  if (error !== undefined || status !== 0) throw new Error(`${program} does not run: ${hint}`);
}

/**
 * Test files that start at once build once. A lock whose owner is gone is nobody's.
 * @param {number} patienceMs how long somebody else may take
 */
export async function underLock(file, patienceMs, work) {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST' || Date.now() > end) throw error;
      if (!isLocked(file)) rmSync(file, { force: true });
      else await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function isLocked(file) {
  try {
    // Its owner may not have written its number yet.
    const owner = Number(readFileSync(file, 'utf8'));
    if (owner === 0) return Date.now() - statSync(file).mtimeMs < 5000;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
