// Loaded before a program (`node --import`): writes what its whole process took, when it ends, to the file that is named
// by GROWTH_USAGE. Exact, unlike looking at it from outside.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.GROWTH_USAGE;
if (isMainThread && file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeFileSync(file, JSON.stringify({ cpuUs: userCPUTime + systemCPUTime, peakBytes: maxRSS * 1024 }));
  });
}
