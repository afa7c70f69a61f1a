import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder } from '../testing/command.ts';

const folder = ownFolder();
let state: string;

beforeAll(async () => {
  const [log, out] = [folder(), folder()];
  state = folder();
  await writeFile(log, asked('alice', 'list pods') + asked('bob', 'get pods', { namespace: 'ns2' }));
  expect((await leastwise(['run', '-q', '-f', log, '--out', out, '--state', state])).code).toBe(0);
});

function git(root: string, ...args: string[]): string {
  const person = { GIT_AUTHOR_NAME: 'P', GIT_AUTHOR_EMAIL: 'p@example.com' };
  const committer = { GIT_COMMITTER_NAME: 'P', GIT_COMMITTER_EMAIL: 'p@example.com' };
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1', ...person, ...committer };
  return execFileSync('git', args, { cwd: root, env, encoding: 'utf8', stdio: 'pipe' });
}

/** A bare repository with these files on `main`; none: without a commit. */
function repositoryWith(files: Readonly<Record<string, string>> | undefined = {}): string {
  const root = folder();
  mkdirSync(root);
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', '.');
  const work = folder();
  mkdirSync(work);
  git(work, 'init', '--quiet', '--initial-branch=main', '.');
  for (const [path, content] of Object.entries(files)) writeFileSync(join(work, path), content);
  git(work, 'add', '--all');
  git(work, 'commit', '--quiet', '--allow-empty', '-m', 'start');
  git(work, 'push', '--quiet', root, 'main');
  return root;
}

function branchesOf(root: string): string[] {
  return git(root, 'for-each-ref', '--format=%(refname:short)').trim().split('\n');
}

const publish = (root: string, ...words: string[]) =>
  leastwise(['publish', '--state', state, '--repository', root, ...words]);

const ALL = [
  'leastwise/default.namespace-ns1.additions',
  'leastwise/default.namespace-ns2.additions',
  'leastwise/default.policies.reports',
  'main',
];

test('--plan says what would be done, and does nothing', async () => {
  const root = repositoryWith();
  const { code, stdout, stderr } = await publish(root, '--plan');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^Push to new branch leastwise\/default\.namespace-ns1\.additions, on /),
    expect.stringMatching(/^Push to new branch leastwise\/default\.namespace-ns2\.additions, on /),
    expect.stringMatching(/^Push to new branch leastwise\/default\.policies\.reports, on /),
    '',
    'Proposals:',
    expect.stringMatching(/^ {2}leastwise\/default\.namespace-ns1\.additions: Grant 1 used permission/),
    expect.stringMatching(/^ {2}leastwise\/default\.namespace-ns2\.additions: Grant 1 used permission/),
    expect.stringMatching(/^ {2}leastwise\/default\.policies\.reports: /),
    '',
  ]);
  expect(branchesOf(root)).toEqual(['main']);
});

test('it publishes, and the second time there is nothing to be done', async () => {
  const root = repositoryWith();
  const first = await publish(root);
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(branchesOf(root)).toEqual(ALL);
  const before = git(root, 'for-each-ref');
  const again = await publish(root);
  expect(again.stdout).toMatch(/^(?:Leave \S+: it is as it should be\.\n){3}$/);
  expect(git(root, 'for-each-ref')).toBe(before);
});

test('--policies base commits all of it in one run; the next one has nothing to do', async () => {
  const root = repositoryWith();
  const { code, stdout } = await publish(root, '--policies', 'base');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^(?:Push to main, on \w+: .*\n)+$/);
  expect(branchesOf(root)).toEqual(['main']);
  expect((await publish(root, '--policies', 'base')).stdout).toBe('Nothing to do.\n');
  const again = await publish(root, '--reports', 'none', '-o', 'json');
  expect(JSON.parse(again.stdout)).toMatchObject({ actions: [], proposals: [] });
});

test('--policies base renders what changes one file twice one on top of the other, in one run', async () => {
  const [root, out, own] = [repositoryWith(), folder(), folder()];
  const run = async (...lines: readonly (readonly [day: string, what: string])[]): Promise<string> => {
    const log = folder();
    const text = lines.map(([day, what]) =>
      asked('alice', what, { id: `${day} ${what}` }).replace('2026-01-01', day),
    );
    await writeFile(log, text.join(''));
    expect((await leastwise(['run', '-q', '-f', log, '--out', out, '--state', own])).code).toBe(0);
    const words = ['publish', '--state', own, '--repository', root, '--policies', 'base', '-o', 'json'];
    return (await leastwise(words)).stdout;
  };
  await run(['2026-01-01', 'list pods'], ['2026-01-01', 'list secrets']);
  // What was used once is out of retention, and something new is used: an addition and a removal in the same file.
  const days = ['2026-03-20', '2026-04-15'] as const;
  const told = await run([days[0], 'list pods'], [days[1], 'list pods'], [days[1], 'list services']);
  const { actions } = JSON.parse(told) as { actions: { action: string; result: string }[] };
  expect(actions.map(({ action, result }) => `${action} ${result}`)).toEqual([
    'push done',
    'push done',
    'push done',
  ]);
  expect(git(root, 'grep', '-h', 'resources', 'main', '--', '**/rbac.yaml')).not.toContain('secrets');
  const again = ['publish', '--state', own, '--repository', root, '--policies', 'base'];
  expect((await leastwise(again)).stdout).toBe('Nothing to do.\n');
});

test('-o json names every action with what came of it, and every file', async () => {
  const { stdout } = await publish(repositoryWith(), '-o', 'json', '--reports', 'none');
  expect(JSON.parse(stdout)).toMatchObject({
    actions: [
      {
        action: 'push',
        branch: ALL[0],
        result: 'done',
        commit: expect.stringMatching(/^\w{40}$/) as unknown,
      },
      { action: 'push', branch: ALL[1], result: 'done' },
    ],
    proposals: [{ cluster: 'default', kind: 'additions' }, { kind: 'additions' }],
    problems: [],
  });
});

test('the knobs count, and the file of the team counts before them', async () => {
  const pods = async (files: Readonly<Record<string, string>>, ...words: string[]): Promise<string> => {
    const root = repositoryWith(files);
    expect((await publish(root, '--policies', 'base', ...words)).code).toBe(0);
    return git(root, 'grep', '-h', '-E', '^kind|verbs', 'main', '--', '**/rbac.yaml');
  };
  expect(await pods({})).not.toContain('kind: ClusterRole\n');
  expect(await pods({}, '--scope-mode', 'ClusterScopeAllowed')).toContain('kind: ClusterRole\n');
  const team = { 'leastwise.yaml': 'version: 1\npolicies:\n  - scopeMode: NamespaceStrict\n' };
  expect(await pods(team, '--scope-mode', 'ClusterScopeAllowed')).not.toContain('kind: ClusterRole\n');
});

test('what a forge refuses is told with the reason, and the exit code is 1', async () => {
  const root = repositoryWith();
  await writeFile(join(root, 'hooks', 'pre-receive'), '#!/bin/sh\necho no branches today >&2\nexit 1\n', {
    mode: 0o755,
  });
  const { code, stdout, stderr } = await publish(root);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^(?:NOT DONE: Push to new branch .*\n){3}$/);
  expect(stderr).toMatch(/^error: Push to new branch .*pre-receive hook declined/);
});

test('a broken file of the team is refused with all its problems, and nothing is done', async () => {
  const root = repositoryWith({ 'leastwise.yaml': 'version: 1\nowner: []\nlabels: 7\n' });
  const { code, stdout, stderr } = await publish(root);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/leastwise\.yaml:2: .*\n.*leastwise\.yaml:3: /);
  expect(branchesOf(root)).toEqual(['main']);
});

describe('usage', () => {
  test.each([
    [['--state', 'gone', '--repository', '/srv/x'], 'there is no state in gone'],
    [['--state', 'x', '--repository', 'ext::sh'], '--repository the address of the remote is refused'],
    [
      ['--state', 'x', '--repository', 'git@forge.example:a/b', '--forge', 'gitea'],
      '--ssh-key-file is needed for a repository over ssh\n--known-hosts-file is needed for a repository over ssh\n' +
        '--token-file is needed',
    ],
    [['--state', 'x', '--repository', 'y', '--rbac', 'path'], '--rbac "path" is not CLUSTER=PATH'],
    [['--state', 'x', '--repository', 'y', '--app-id', '7'], 'go together'],
    [['--state', 'x', '--repository', 'y', '--include-denied'], 'leastwise.yaml says for whom'],
    [['--state', 'x', '--repository', 'y', '--policies', 'base', '--forge', 'github'], 'commits unreviewed'],
    [['--state', 'x'], "required option '--repository <url>' not specified"],
  ])('%j is refused', async (words, message) => {
    const { code, stdout, stderr } = await leastwise(['publish', ...words]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('a remote that is not there is refused', async () => {
    const { code, stderr } = await publish('/srv/nowhere.git');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*\/srv\/nowhere\.git/);
  });
});

test('the RBAC that exists is read by cluster', async () => {
  const file = folder();
  await writeFile(`${file}.yaml`, 'kind: [');
  const broken = await publish(repositoryWith(), '--rbac', `default=${file}.yaml`);
  expect(broken.code).toBe(2);
  expect(broken.stderr).toContain(`${file}.yaml:1: unreadable`);
});

describe('publish --audit-policy', () => {
  const audit = (...rules: readonly string[]): string => {
    const path = folder();
    const lines = [
      'apiVersion: audit.k8s.io/v1',
      'kind: Policy',
      'rules:',
      ...rules.map((each) => `- ${each}`),
    ];
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const ALL_LOGGED = '{level: Metadata}';

  test('never takes away what the policy of the cluster does not log', async () => {
    const [own, out, log] = [folder(), folder(), folder()];
    const root = repositoryWith();
    const base = ['publish', '--state', own, '--repository', root, '--reports', 'none'];
    const run = async (text: string): Promise<void> => {
      await writeFile(log, text);
      expect((await leastwise(['run', '-q', '-f', log, '--out', out, '--state', own])).code).toBe(0);
    };
    await run(asked('alice', 'list pods') + asked('alice', 'list secrets', { id: '2' }));
    expect((await leastwise([...base, '--policies', 'base'])).code).toBe(0);
    const days = Array.from({ length: 60 }, (_, at) =>
      new Date(Date.UTC(2026, 2, 1 + at)).toISOString().slice(0, 10),
    );
    await run(
      days.map((day) => asked('alice', 'list pods', { id: day }).replace('2026-01-01', day)).join(''),
    );
    const titles = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout } = await leastwise([...base, '--plan', ...words]);
      expect(code).toBe(0);
      return stdout;
    };
    const hides = audit('{level: None, resources: [{resources: [secrets]}]}', ALL_LOGGED);
    expect(await titles('--retention-days', '40')).toContain('.removals');
    expect(await titles('--retention-days', '40', '--audit-policy', `default=${hides}`)).not.toContain(
      '.removals',
    );
    expect(
      await titles('--retention-days', '40', '--audit-policy', `default=${audit(ALL_LOGGED)}`),
    ).toContain('.removals');
    const json = JSON.parse(
      await titles('--retention-days', '40', '--audit-policy', `default=${hides}`, '-o', 'json'),
    ) as unknown;
    expect(json).toMatchObject({ waiting: { 'not-logged': 1 } });
  });

  test.each([
    ['prod', /--audit-policy "prod" is not CLUSTER=PATH/],
    ['prod=/gone', /\/gone: /],
  ])('%s is refused before anything is opened', async (value, reason) => {
    const { code, stderr } = await publish('/no-repository', '--audit-policy', value);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });

  test('two policies of one cluster, and one that no API server takes, are refused', async () => {
    const file = audit(ALL_LOGGED);
    const twice = await publish('/no-repository', '--audit-policy', `a=${file}`, `a=${file}`);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('cluster "a" has two')]);
    const broken = audit('{level: Everything}');
    const { code, stderr } = await publish('/no-repository', '--audit-policy', `a=${broken}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${broken}:4: `)]);
  });
});

test('what was done with kubectl is reported of days that are over, and of people as the team wants it', async () => {
  const [log, out, own] = [folder(), folder(), folder()];
  const lines = ['2026-01-01', '2026-01-02'].map((day) =>
    asked('alice', 'list pods', { id: day })
      .replace('2026-01-01', day)
      .replace('{', '{"userAgent":"kubectl/v1.34.1",'),
  );
  await writeFile(log, lines.join(''));
  expect((await leastwise(['run', '-q', '-f', log, '--out', out, '--state', own])).code).toBe(0);
  const root = repositoryWith({ 'leastwise.yaml': 'version: 1\nreports:\n  people: pseudonymous\n' });
  const key = folder();
  await writeFile(key, 'k'.repeat(32));
  const words = ['publish', '--state', own, '--repository', root];
  const branch = 'leastwise/default.kubectl.reports';

  const without = await leastwise([...words, '--no-kubectl-reports']);
  expect([without.code, without.stderr]).toEqual([0, '']);
  expect(branchesOf(root)).not.toContain(branch);
  const flags = ['--pseudonyms', key, '--time-zone', 'Asia/Tokyo', '--office-hours', '8-18'];
  expect((await leastwise([...words, ...flags])).code).toBe(0);
  const files = git(root, 'ls-tree', '-r', '--name-only', branch, 'reports/default/kubectl')
    .trim()
    .split('\n');
  expect(files).toEqual(['reports/default/kubectl/2026/01/01.md', 'reports/default/kubectl/index.html']);
  const report = git(root, 'show', `${branch}:${files[0] ?? ''}`);
  expect(report).toContain('Asia-Tokyo');
  expect(report).toMatch(/get pods/);
  expect(report).not.toContain('alice');
  const refused = await leastwise([...words, '--pseudonyms', folder()]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/key for pseudonyms/)]);
});
