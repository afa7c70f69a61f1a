import { writeFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder } from '../testing/command.ts';

const free = ownFolder();

function log(text: string): string {
  const path = free();
  writeFileSync(path, text);
  return path;
}

const GOOD = asked('system:serviceaccount:ns1:app', 'get pods');

describe('leastwise doctor', () => {
  test('finds nothing that fails: exit 0', async () => {
    const { code, stdout, stderr } = await leastwise(['doctor', '-f', log(GOOD)]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('it is an audit log: 1 event');
    expect(stdout).toContain('git: it can be started');
  });

  test('finds something that fails: exit 1, and all the rest is told', async () => {
    const { code, stdout } = await leastwise([
      'doctor',
      '-f',
      log('x\n'),
      '-f',
      log(GOOD),
      '--output',
      'json',
    ]);
    expect(code).toBe(1);
    const { failed, checks } = JSON.parse(stdout) as {
      failed: number;
      checks: { outcome: string; area: string }[];
    };
    expect(failed).toBe(1);
    expect(checks.filter(({ area }) => area === 'log').map(({ outcome }) => outcome)).toEqual([
      'failed',
      'ok',
    ]);
  });

  test('looks at an audit policy, and at a folder', async () => {
    const policy = log('apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n');
    const { code, stdout } = await leastwise(['doctor', '--audit-policy', policy, '--state', free()]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/warning {2}log +audit policy .*: \d+ findings?\n/);
    expect(stdout).toMatch(/these detections see a part or nothing: /);
    expect(stdout).toMatch(/FAILED {3}state +folder .*: it is not there\n/);
  });

  test('an audit policy that no API server takes has failed', async () => {
    const { code, stdout } = await leastwise(['doctor', '--audit-policy', log('kind: Policy\n')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAILED {3}log/);
  });

  test.each([
    [['--config', 'x.yaml'], 'does not say whose it is'],
    [['--timeout', '0'], 'Not a whole number of seconds'],
    [['--timeout', '1e9'], 'Not a whole number of seconds'],
    [['-o', 'xml'], 'xml'],
  ])('%j is wrong usage: exit 2', async (words, says) => {
    const { code, stderr } = await leastwise(['doctor', ...words]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});
