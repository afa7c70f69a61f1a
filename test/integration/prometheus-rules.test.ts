import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const files = readdirSync(FOLDER);
const named = (ending: string): string[] => files.filter((file) => file.endsWith(ending)).sort();

const hasPromtool = await run('promtool', ['--version']).then(
  () => true,
  () => false,
);
if (!hasPromtool) console.warn('promtool is not there: the rules of deploy/prometheus are not tested');

describe.skipIf(!hasPromtool)('the rules for Prometheus', () => {
  test('each file of rules has its tests', () => {
    expect(named('.test.yaml').map((file) => file.replace('.test.yaml', ''))).toEqual(
      named('.rules.yaml').map((file) => file.replace('.rules.yaml', '')),
    );
  });

  test.each(named('.rules.yaml'))('%s is what Prometheus takes', async (file) => {
    await run('promtool', ['check', 'rules', file], { cwd: FOLDER });
  });

  test.each(named('.test.yaml'))('%s: alerts come and go as they should', async (file) => {
    await run('promtool', ['test', 'rules', file], { cwd: FOLDER });
  });
});
