// usage: node summarize.mjs EXPECTED_SKIPS SHARED REPORT...
// Reads vitest's JSON reports, prints what must be known, and as the last line
// "N passed, N failed[, N skipped]". Of files that ran once more (X.again.json beside X.json) the second run counts, and
// what failed before it is named. Exits 1 on a failure, on no tests at all, and on a skip nobody expects.
import { existsSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';

const [expectedSkipsPath, sharedPath, ...reportPaths] = process.argv.slice(2);

const problems = [];

function pathOf(file) {
  return relative(process.cwd(), file).split(sep).join('/');
}

/** A report that is missing or cut means that the runner died: no tests ran, as far as anybody knows. */
function readReport(path) {
  try {
    const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
    if (testResults.length === 0) problems.push('No tests ran.');
    return testResults;
  } catch (error) {
    problems.push(`No test report: ${error.message}`);
    return [];
  }
}

/** What counts of a report and of the second run of some of its files. */
function readRuns(path) {
  const first = readReport(path);
  const again = path.replace(/\.json$/, '.again.json');
  if (!existsSync(again)) return first;
  const second = new Map(readReport(again).map((file) => [file.name, file]));
  for (const { name, assertionResults } of first) {
    if (!second.has(name)) continue;
    const failures = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => fullName);
    console.log(`Ran twice: ${pathOf(name)}: ${failures.join('; ') || 'failed outside of a test'}`);
  }
  return first.map((file) => second.get(file.name) ?? file);
}

/** File → whether its skips are expected here: `FILE when REASON`, or `FILE` alone for "when ../shared is absent". */
const isSharedAbsent = !existsSync(sharedPath);
const expectedSkips = new Map(
  readFileSync(expectedSkipsPath, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' when ', 2))
    .map(([file, reason]) => [file, reason === undefined ? isSharedAbsent : true]),
);

let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of reportPaths.flatMap(readRuns)) {
  const name = pathOf(file.name);
  let failedHere = 0;
  for (const { status, fullName } of file.assertionResults) {
    if (status === 'passed') {
      passed += 1;
    } else if (status === 'failed') {
      failedHere += 1;
    } else {
      skipped += 1;
      if (expectedSkips.get(name) !== true) problems.push(`Unexpected ${status}: ${name}: ${fullName}`);
    }
  }
  if (file.status === 'failed' && failedHere === 0) {
    // The file itself broke, outside of any test.
    failedHere = 1;
    problems.push(`Failed outside of a test: ${name}: ${file.message}`);
  }
  failed += failedHere;
}
if (passed + failed === 0) problems.push('No tests ran.');

for (const problem of problems) console.log(problem);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || problems.length > 0 ? 1 : 0;
