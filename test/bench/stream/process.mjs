// Processes that are measured from outside, all in the same way: by what the kernel has counted for them.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** User and system time of a process and all its threads, in seconds. */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in MiB: now, and the most it ever had. */
function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { nowMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}

/**
 * Starts a process.
 * @param onLine - told of each line that it prints
 */
export function start(command, args, { env = {}, logFile, onLine } = {}) {
  const log = openSync(logFile, 'a');
  const stdout = onLine ? 'pipe' : log;
  const child = spawn(command, args, { stdio: ['ignore', stdout, log], env: { ...process.env, ...env } });
  closeSync(log);
  running.add(child);
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    lines.forEach(onLine);
  });
  const state = { hasEnded: false };
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      running.delete(child);
      state.hasEnded = true;
      resolve(code ?? signal);
    });
  });
  return {
    pid: child.pid,
    ended,
    cpu: () => cpuOf(child.pid),
    memory: () => memoryOf(child.pid),
    kill: (signal) => child.kill(signal),
    /** Ends it, as an operator would. @throws Error where that does not go well */
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(late);
    },
    /** @throws Error with its last words where it has ended by itself */
    check: () => {
      if (!state.hasEnded) return;
      throw new Error(`${command} ended too early:\n${readFileSync(logFile, 'utf8').slice(-3000)}`);
    },
  };
}

/** Runs a process to its end. @throws Error with its last words where that is no good one */
export async function complete(command, args, options) {
  const { ended } = start(command, args, options);
  const code = await ended;
  if (code === 0) return;
  throw new Error(
    `${command} ${args.join(' ')}: ${code}\n${readFileSync(options.logFile, 'utf8').slice(-3000)}`,
  );
}
