import { expect, test } from 'vitest';

import { asked, leastwise, ownFolder, started, treeOf } from './testing/command.ts';

const folder = ownFolder();
const account = (namespace: string): string => `system:serviceaccount:${namespace}:ci`;
const [ONE, TWO] = [asked(account('one'), 'list pods'), asked(account('two'), 'list secrets')];
const ALICE = asked('alice', 'list pods');
/** A bare name, which service accounts of several namespaces share. */
const NAMED = ['--generate-name', 'x:${user}'];
const REPOSITORY = 'clusters/default/namespaces/ns1';

/** Runs on what comes by standard input. */
function run(out: string, stdin: string, ...words: string[]) {
  return leastwise(['run', '-f', '-', '--out', out, ...words], stdin);
}

test('two subjects of one name: both are left out, named, and the rest is published', async () => {
  const out = folder();
  const { code, stdout, stderr } = await run(out, ONE + TWO + ALICE, ...NAMED);
  expect(code).toBe(1);
  expect(stdout).toContain('left out     2 policies refused');
  expect(stderr).toContain(
    'ServiceAccount one/ci in cluster default: its Role x:ci would be that of ServiceAccount two/ci, too',
  );
  expect(stderr).toContain(
    'ServiceAccount two/ci in cluster default: its Role x:ci would be that of ServiceAccount one/ci, too',
  );
  const tree = await treeOf(out);
  expect(Object.keys(tree).filter((path) => path.endsWith('rbac.yaml'))).toEqual([
    `${REPOSITORY}/user-alice/rbac.yaml`,
  ]);
  expect(tree['reports/default/policies.md']).toMatch(/Subjects without a policy[^]*one\/ci[^]*two\/ci/);
});

test('the summary for machines lists them, and -q does not silence the error', async () => {
  const json = await run(folder(), ONE + TWO, ...NAMED, '-o', 'json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    policies: 0,
    refusedPolicies: [expect.stringContaining('one/ci'), expect.stringContaining('two/ci')],
  });
  const quiet = await run(folder(), ONE + TWO, ...NAMED, '-q');
  expect([quiet.code, quiet.stdout, quiet.stderr]).toEqual([1, '', json.stderr]);
});

test('whoever takes the name of another does not take away what was published for it', async () => {
  const out = folder();
  const nowhere = asked(account('one'), 'list nodes', { namespace: '' });
  expect((await run(out, ONE + nowhere + ALICE, ...NAMED)).code).toBe(0);
  const before = await treeOf(out);
  expect((await run(out, TWO, ...NAMED)).code).toBe(1);
  const after = await treeOf(out);
  const withoutReport = (tree: Record<string, string>) => ({ ...tree, 'reports/default/policies.md': '' });
  expect(withoutReport(after)).toEqual(withoutReport(before));
  expect(after[`${REPOSITORY}/kustomization.yaml`]).toContain('- serviceaccount-one.ci');
  expect(after['clusters/default/cluster/kustomization.yaml']).toContain('- serviceaccount-one.ci');
  // Told apart, both get their policies.
  expect((await run(out, '', '--generate-name', 'x:${subject}')).code).toBe(0);
  expect(Object.keys(await treeOf(out))).toContain(`${REPOSITORY}/serviceaccount-two.ci/rbac.yaml`);
});

test('what collides in one cluster is published in another', async () => {
  const out = folder();
  const there = ONE.replace('{', '{"cluster":"there",');
  const { code } = await run(out, ONE + TWO + there, ...NAMED, '--cluster-field', 'cluster');
  expect(code).toBe(1);
  expect(Object.keys(await treeOf(out))).toContain(
    'clusters/there/namespaces/ns1/serviceaccount-one.ci/rbac.yaml',
  );
});

test('a live reading publishes the rest, says so, and ends with the same code', async () => {
  const out = folder();
  const running = started(['run', '-q', '--listen', '127.0.0.1:0', '--out', out, ...NAMED]);
  let url: string | undefined;
  while (url === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    url = /listening on (\S+)/.exec(running.stderr())?.[1];
  }
  expect((await fetch(url, { method: 'POST', body: ONE + TWO + ALICE })).status).toBe(200);
  running.stop('SIGTERM');
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toContain('one/ci');
  expect(Object.keys(await treeOf(out))).toContain(`${REPOSITORY}/user-alice/rbac.yaml`);
});

test('generate --all prints the rest, and keeps the files of those that it leaves out', async () => {
  const words = ['generate', '-q', '-f', '-', '--all', ...NAMED];
  const { code, stdout, stderr } = await leastwise(words, ONE + TWO + ALICE);
  expect(code).toBe(1);
  expect(stdout).toContain('x:alice');
  expect(stdout).not.toContain('x:ci');
  expect(stderr).toContain('its Role x:ci would be that of');

  const out = folder();
  const into = [...words, '-o', `dir=${out}`];
  expect((await leastwise(into, ONE + ALICE)).code).toBe(0);
  const before = await treeOf(out);
  expect((await leastwise(into, ONE + TWO + ALICE)).code).toBe(1);
  expect(await treeOf(out)).toEqual(before);
  // All that there is collides: nothing is rendered, and nothing taken away.
  expect((await leastwise(into, ONE + TWO)).code).toBe(1);
  expect(await treeOf(out)).toEqual(before);
});
