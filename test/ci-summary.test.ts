import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, test } from 'vitest';

const SUMMARIZE = fileURLToPath(new URL('../.ci/summarize.mjs', import.meta.url));
const AGAIN = fileURLToPath(new URL('../.ci/again.mjs', import.meta.url));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'leastwise-ci-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the summary over test files given as name → statuses; `shared` is whether ../shared exists. */
function summarize(files: Record<string, readonly string[]>, shared = true, broken?: string) {
  writeReport('report.json', files, broken);
  return run(shared, 'report.json');
}

function writeReport(report: string, files: Record<string, readonly string[]>, broken?: string): void {
  const testResults = Object.entries(files).map(([name, statuses]) => ({
    name: join(folder, name),
    status: name === broken || statuses.includes('failed') ? 'failed' : 'passed',
    message: name === broken ? 'cannot be loaded' : '',
    assertionResults: statuses.map((status, index) => ({ status, fullName: `test ${index}` })),
  }));
  writeFileSync(join(folder, report), JSON.stringify({ testResults }));
}

function run(shared: boolean, ...reports: string[]) {
  writeFileSync(
    join(folder, 'skips.txt'),
    '# a comment\npackages/a/src/real.test.ts\nother.test.ts when the moon is full\n',
  );
  if (shared) mkdirSync(join(folder, 'shared'), { recursive: true });
  const result = spawnSync(process.execPath, [SUMMARIZE, 'skips.txt', 'shared', ...reports], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: result.status, last: result.stdout.trimEnd().split('\n').at(-1), output: result.stdout };
}

test('all passed is 0', () => {
  expect(summarize({ 'a.test.ts': ['passed', 'passed'] })).toMatchObject({
    code: 0,
    last: '2 passed, 0 failed',
  });
});

test('a failure is 1', () => {
  expect(summarize({ 'a.test.ts': ['passed', 'failed'] })).toMatchObject({
    code: 1,
    last: '1 passed, 1 failed',
  });
});

test('a file that cannot be loaded is a failure, and is named', () => {
  const result = summarize({ 'a.test.ts': ['passed'], 'b.test.ts': [] }, true, 'b.test.ts');
  expect(result).toMatchObject({ code: 1, last: '1 passed, 1 failed' });
  expect(result.output).toContain('b.test.ts: cannot be loaded');
});

test('no tests at all is 1', () => {
  expect(summarize({})).toMatchObject({ code: 1, last: '0 passed, 0 failed' });
});

test('only skipped tests is 1, though the skips are expected', () => {
  const result = summarize({ 'packages/a/src/real.test.ts': ['skipped'] }, false);
  expect(result).toMatchObject({ code: 1, last: '0 passed, 0 failed, 1 skipped' });
});

test('a missing report is 1', () => {
  expect(run(true, 'absent.json')).toMatchObject({ code: 1, last: '0 passed, 0 failed' });
});

test('several reports are summed up, and one without tests is 1', () => {
  summarize({ 'a.test.ts': ['passed'] });
  expect(run(true, 'report.json', 'report.json')).toMatchObject({ code: 0, last: '2 passed, 0 failed' });
  writeFileSync(join(folder, 'empty.json'), JSON.stringify({ testResults: [] }));
  expect(run(true, 'report.json', 'empty.json')).toMatchObject({ code: 1, last: '1 passed, 0 failed' });
  expect(run(true, 'report.json', 'absent.json')).toMatchObject({ code: 1, last: '1 passed, 0 failed' });
});

test('a skip is expected where it is listed and the shared data is absent', () => {
  const files = { 'packages/a/src/real.test.ts': ['passed', 'skipped'] };
  expect(summarize(files, false)).toMatchObject({ code: 0, last: '1 passed, 0 failed, 1 skipped' });
});

test('a listed skip is not expected where the shared data exists', () => {
  const result = summarize({ 'packages/a/src/real.test.ts': ['passed', 'skipped'] }, true);
  expect(result).toMatchObject({ code: 1, last: '1 passed, 0 failed, 1 skipped' });
  expect(result.output).toContain('Unexpected skipped: packages/a/src/real.test.ts: test 1');
});

test.each(['skipped', 'pending', 'todo'])('a test that is %s elsewhere is 1', (status) => {
  const result = summarize({ 'packages/b/src/other.test.ts': ['passed', status] }, false);
  expect(result).toMatchObject({ code: 1, last: '1 passed, 0 failed, 1 skipped' });
});

test('a skip for a reason of the machine is expected with and without ../shared', () => {
  for (const shared of [true, false]) {
    expect(summarize({ 'other.test.ts': ['passed', 'skipped'] }, shared)).toMatchObject({
      code: 0,
      last: '1 passed, 0 failed, 1 skipped',
    });
  }
});

test('of files that ran twice the second run counts, and what failed in the first is named', () => {
  writeReport('report.json', { 'a.test.ts': ['passed'], 'b.test.ts': ['passed', 'failed'] });
  writeReport('report.again.json', { 'b.test.ts': ['passed', 'passed'] });
  const result = run(true, 'report.json');
  expect(result).toMatchObject({ code: 0, last: '3 passed, 0 failed' });
  expect(result.output).toContain('Ran twice: b.test.ts: test 1');
  writeReport('report.again.json', { 'b.test.ts': ['failed', 'passed'] });
  expect(run(true, 'report.json')).toMatchObject({ code: 1, last: '2 passed, 1 failed' });
});

test('only few failed files run again, and only where all start servers', () => {
  const again = (files: Record<string, readonly string[]>, broken?: string) => {
    writeReport('report.json', files, broken);
    return spawnSync(process.execPath, [AGAIN, 'report.json'], { cwd: folder, encoding: 'utf8' }).stdout;
  };
  const servers = [
    'test/fault/torn.fault.test.ts',
    'packages/state-redis/src/x.test.ts',
    'services/a/src/b.kafka.test.ts',
  ];
  const failed = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, ['failed']]));
  expect(again({ ...failed(servers), 'packages/rbac/src/a.test.ts': ['passed'] })).toBe(
    `${servers.join('\n')}\n`,
  );
  expect(again({ [servers[0] ?? '']: [] }, servers[0])).toBe(`${servers[0]}\n`);
  expect(again(failed([...servers, 'packages/rbac/src/a.test.ts']))).toBe('');
  expect(again(failed([...servers, 'test/stream/a.test.ts']))).toBe('');
});
