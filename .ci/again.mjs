// usage: node again.mjs REPORT
// Prints the files of a report by vitest that are worth a second run: those that failed, where there are few and all of
// them start real servers. A test of code that fails, fails.
import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';

const MOST = 3;
// As in vitest.config.ts, vitest.fault.config.ts and vitest.cluster.config.ts.
const SERVERS =
  /\.(gitea|kafka|redis)\.test\.ts$|^packages\/(state-redis|testkit)\/|^test\/(stream|fault|closed-loop|integration\/cli\/state)/;

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const failed = testResults
  .filter(({ status }) => status === 'failed')
  .map(({ name }) => relative(process.cwd(), name).split(sep).join('/'));
if (failed.length <= MOST && failed.every((name) => SERVERS.test(name))) {
  for (const name of failed) console.log(name);
}
