import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { leastwise } from '../support/leastwise.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

test('the gate finds nothing in what the project itself asks a cluster for', async () => {
  const folders = ['deploy/auditor', 'deploy/crds', 'deploy/policies'].map(fileOf);
  const { code, stdout, stderr } = await leastwise(['scan', ...folders, '--fail-on-findings']);
  expect([code, stderr], stdout).toEqual([0, '']);
  expect(stdout).toMatch(/^no findings; scanned \d+ bindings and \d+ roles/);
});
