// usage: node summarize.mjs REPORT EXPECTED_SKIPS SHARED
// Reads vitest's JSON report, prints what must be known, and as the last line
// "N passed, N failed[, N skipped]". Exits 1 on a failure, on no tests at all, and on a skip nobody expects.
import { existsSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';

const [reportPath, expectedSkipsPath, sharedPath] = process.argv.slice(2);

/** A report that is missing or cut means that the runner died: no tests ran, as far as anybody knows. */
function readReport() {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8'));
  } catch (error) {
    console.log(`No test report: ${error.message}`);
    return { testResults: [] };
  }
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
const problems = [];
for (const file of readReport().testResults) {
  const name = relative(process.cwd(), file.name).split(sep).join('/');
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
