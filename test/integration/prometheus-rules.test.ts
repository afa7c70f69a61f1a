import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { alertGroups } from './support/monitoring.ts';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
const files = readdirSync(FOLDER);
const named = (ending: string): string[] => files.filter((file) => file.endsWith(ending)).sort();

interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts: readonly object[];
}

function alertTests(): AlertTest[] {
  return named('.test.yaml').flatMap((file) => {
    const { tests } = parse(readFileSync(`${FOLDER}${file}`, 'utf8')) as {
      tests: { alert_rule_test?: AlertTest[] }[];
    };
    return tests.flatMap(({ alert_rule_test: all = [] }) => all);
  });
}

const ALERTS = alertGroups().flatMap(({ alerts }) => alerts.map(({ alert }) => alert));

describe('each alert', () => {
  test('has a name of its own', () => {
    expect(new Set(ALERTS).size).toBe(ALERTS.length);
  });

  test.each(ALERTS)('%s has a test in which it fires, and one in which it does not', (name) => {
    const counts = alertTests()
      .filter(({ alertname }) => alertname === name)
      .map(({ exp_alerts: expected }) => expected.length > 0);
    expect(counts).toContain(true);
    // Of nobody there is nothing that could be fine.
    if (name !== 'LeastwiseAuditorGone') expect(counts).toContain(false);
  });

  test.each(ALERTS)('%s has a paragraph that says what to do', (name) => {
    const runbook = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
    const [, paragraph = ''] = runbook.split(`\n### ${name}\n`);
    expect(paragraph.split('\n#')[0]?.trim().length).toBeGreaterThan(80);
  });
});

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
