// Exit codes, help, machine-readable output.
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { build, spawnLeastwise } from '../support/built.ts';
import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, linesOf, logOf, REFUSED } from '../support/log.ts';
import { objectsOf, rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const LOG = logOf([ask(ALICE, 'list pods ns1'), ask(ALICE, 'get secrets ns1 s')]);
const COMMANDS = ['generate', 'run', 'verify', 'diff'];

describe('exit 0: all went well', () => {
  test.each([['--help'], ['--version'], ...COMMANDS.map((command) => [command, '--help'])])(
    '%s %s',
    async (...args) => {
      const { code, stdout, stderr } = await leastwise(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toBe('');
    },
  );

  test('help tells every command, and of each what its flags do, with an example that runs as it stands', async () => {
    const { stdout } = await leastwise(['--help']);
    for (const command of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
      const help = (await leastwise([command, '--help'])).stdout;
      expect(help).toMatch(/Example/);
      // Each flag is followed by its description, on the same line or the next one.
      const flags = help.split('\n').filter((line) => /^ {2}-/.test(line));
      expect(flags.length).toBeGreaterThan(2);
      for (const flag of flags) expect(flag).toMatch(/^ {2}-\S.*(?: {2,}\S|[>\]]$)/);
    }
  });
});

describe('exit 1: an answer, not a fault', () => {
  test('generate: nothing observed', async () => {
    const { code, stdout, stderr } = await leastwise(['generate', '-f', '-', '--user', 'nobody'], {
      stdin: LOG,
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('no allowed requests of user nobody were observed');
  });

  test('verify: something refused; diff: a difference', async () => {
    const empty = await written(folder('empty.yaml'), '');
    const { code, stdout } = await leastwise(['verify', '-f', '-', '--rbac', empty], { stdin: LOG });
    expect(code).toBe(1);
    expect(stdout).toContain('2 permissions would be refused');
    const policy = folder('policy');
    await leastwise(['generate', '-q', '-f', '-', '--all', '-o', `dir=${policy}`], { stdin: LOG });
    expect((await leastwise(['diff', empty, policy])).code).toBe(1);
    expect((await leastwise(['diff', policy, policy])).code).toBe(0);
    expect((await leastwise(['verify', '-f', '-', '--rbac', policy], { stdin: LOG })).code).toBe(0);
  });
});

describe('exit 2: usage, or input that cannot be read', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['generat']],
    ['an unknown flag', ['generate', '--wrong']],
    ['a flag without its value', ['generate', '-f']],
    ['no log', ['generate', '--all']],
    ['nobody chosen', ['generate', '-f', '-']],
    ['more than one chosen', ['generate', '-f', '-', '--user', 'a', '--all']],
    ['a service account without a namespace', ['generate', '-f', '-', '--serviceaccount', 'app']],
    ['no such file', ['generate', '-f', '/nonexistent.log', '--all']],
    ['a glob that matches nothing', ['generate', '-f', '/nonexistent/*.log', '--all']],
    ['standard input twice', ['generate', '-f', '-', '-f', '-', '--all']],
    ['an unknown word', ['generate', '-f', '-', '--all', '--verb-merge', 'Clever']],
    ['no number of days', ['generate', '-f', '-', '--all', '--retention-days', '0']],
    ['no day', ['generate', '-f', '-', '--all', '--as-of', 'yesterday']],
    ['no version', ['generate', '-f', '-', '--all', '--kubernetes-version', 'new']],
    ['no output form', ['generate', '-f', '-', '--all', '-o', 'xml']],
    [
      'flags that contradict',
      ['generate', '-f', '-', '--all', '--generate-kind', 'Role', '--scope-mode', 'ClusterScopeAllowed'],
    ],
    ['a bad filter', ['generate', '-f', '-', '--all', '--filter', 'deny who=x']],
    ['run without --out', ['run', '-f', '-']],
    ['run without a source', ['run', '--out', 'x']],
    ['run with two sources', ['run', '--out', 'x', '-f', '-', '--follow', 'y']],
    ['run with a bad address', ['run', '--out', 'x', '--listen', 'everywhere']],
    ['plain HTTP for everybody', ['run', '--out', '/nonexistent/x', '--listen', '0.0.0.0:0']],
    ['a key without a certificate', ['run', '--out', 'x', '--listen', '127.0.0.1:0', '--tls-key', 'k']],
    ['an empty cluster', ['run', '--out', 'x', '-f', '-', '--cluster', '']],
    ['verify without RBAC', ['verify', '-f', '-']],
    ['verify without such RBAC', ['verify', '-f', '-', '--rbac', '/nonexistent.yaml']],
    ['diff of one', ['diff', '/nonexistent']],
    [
      'a folder for dead letters that is not there',
      ['generate', '-f', '-', '--all', '--dead-letter', '/nonexistent/x'],
    ],
  ])('%s', async (_, args) => {
    // What a run may make before it looks at its source goes into a folder of the test's own.
    const own = args.map((arg) => (arg === 'x' ? folder('out') : arg));
    const { code, stdout, stderr } = await leastwise(own, { stdin: LOG });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('manifests that cannot be read are named by file and line', async () => {
    const rbac = await written(
      folder('rbac.yaml'),
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: [\n',
    );
    const { code, stderr } = await leastwise(['verify', '-f', '-', '--rbac', rbac], { stdin: LOG });
    expect(code).toBe(2);
    expect(stderr).toMatch(/rbac\.yaml:\d+: /);
  });

  test('--strict makes a bad record an error, and writes nothing', async () => {
    const log = await written(folder('audit.log'), `${LOG}broken\n`);
    const out = folder('out');
    for (const command of [
      ['generate', '--all'],
      ['run', '--out', out],
      ['verify', '--rbac', log],
    ]) {
      const rbac =
        command[0] === 'verify' ? ['verify', '--rbac', await written(folder('e.yaml'), '')] : command;
      const { code, stdout, stderr } = await leastwise([...rbac, '-f', log, '--strict']);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain('audit.log:3: invalid-json');
      expect((await leastwise([...rbac, '-f', log])).code).toBeLessThan(2);
    }
    const strict = folder('strict');
    await leastwise(['run', '--out', strict, '-f', log, '--strict']);
    expect(await treeOf(strict)).toEqual({});
  });
});

describe('for machines', () => {
  test('generate -o json is a v1 List', async () => {
    const { stdout } = await leastwise(['generate', '-q', '-f', '-', '--all', '-o', 'json'], { stdin: LOG });
    const list = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(list)).toEqual(['apiVersion', 'kind', 'items']);
    expect(objectsOf(stdout).map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
  });

  test('run -o json sums the run up', async () => {
    const out = folder('out');
    const refused = linesOf([ask(ALICE, 'delete nodes - n', { ...REFUSED, auditID: 'x' })]).join('');
    const { stdout } = await leastwise(['run', '-f', '-', '--out', out, '-o', 'json'], {
      stdin: `${LOG}${refused}\nbroken\n`,
    });
    expect(JSON.parse(stdout)).toEqual({
      input: {
        origins: 1,
        bytes: expect.any(Number) as number,
        events: 3,
        requests: 3,
        repeated: 0,
        onlyReceived: 0,
        skipped: {},
        unreadable: { 'invalid-json': 1 },
        unreadableSamples: ['-:4: invalid-json'],
      },
      evidence: {
        firstSeen: '2026-03-02T10:00:00Z',
        lastSeen: '2026-03-02T10:00:01Z',
        days: 1,
        isShort: true,
      },
      subjects: 1,
      beyondSubjects: 0,
      policies: 1,
      objects: 2,
      rules: 2,
      refusedPolicies: [],
      exceptions: {
        withheld: 0,
        'granted-by-default': 0,
        'other-authorizer': 0,
        unrenderable: 0,
        'outside-retention': 0,
        'namespace-gone': 0,
        'not-selected': 0,
      },
      refused: 1,
      widened: 0,
      incomplete: 0,
      published: { written: 6, deleted: 0, foreign: [] },
    });
  });

  test('verify -o json names what would be refused', async () => {
    const empty = await written(folder('empty.yaml'), '');
    const { code, stdout } = await leastwise(['verify', '-f', '-', '--rbac', empty, '-o', 'json'], {
      stdin: LOG,
    });
    expect(code).toBe(1);
    const permission = { apiGroup: '', namespace: 'ns1', path: '' };
    const subject = { kind: 'User', namespace: '', name: 'alice' };
    const seen = (second: string): object => ({ count: 1, firstSeen: second, lastSeen: second });
    expect(JSON.parse(stdout)).toEqual({
      checked: 2,
      beyond: 0,
      skipped: { otherAuthorizer: 0, withheld: 0, namespaceGone: 0, outsideRetention: 0 },
      refused: [
        {
          subject,
          permission: { ...permission, verb: 'get', resource: 'secrets', name: 's' },
          sampleAuditID: 'audit-000001',
          ...seen('2026-03-02T10:00:01Z'),
        },
        {
          subject,
          permission: { ...permission, verb: 'list', resource: 'pods', name: '' },
          sampleAuditID: 'audit-000000',
          ...seen('2026-03-02T10:00:00Z'),
        },
      ],
    });
  });

  test('diff -o json tells by subject what is added and removed', async () => {
    const [empty, policy] = [await written(folder('empty.yaml'), ''), folder('policy')];
    await leastwise(['generate', '-q', '-f', '-', '--all', '-o', `dir=${policy}`], { stdin: LOG });
    const { stdout } = await leastwise(['diff', empty, policy, '-o', 'json']);
    const { subjects, isComplete } = JSON.parse(stdout) as {
      subjects: Record<string, unknown[]>[];
      isComplete: boolean;
    };
    expect(isComplete).toBe(true);
    expect(subjects).toHaveLength(1);
    expect(subjects[0]).toMatchObject({ subject: { kind: 'User', name: 'alice' }, removed: [] });
    expect(subjects[0]?.['added']).toHaveLength(2);
  });

  test('dead letters are whole, with their reason, for their owner only', async () => {
    const letters = join(dirname(await written(folder('x'), '')), 'letters.jsonl');
    const stdin = `${LOG}{"kind":"Event"\n\u0007\n`;
    await leastwise(['generate', '-q', '-f', '-', '--all', '--dead-letter', letters], { stdin });
    const lines = (await readFile(letters, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        origin: '-',
        line: 3,
        reason: expect.any(String) as string,
        text: '{"kind":"Event"',
        truncated: false,
      },
      { origin: '-', line: 4, reason: 'invalid-json', text: '\u0007' },
    ]);
    expect((await stat(letters)).mode & 0o777).toBe(0o600);
  });
});

describe('as a process', () => {
  beforeAll(build, 180_000);

  test('the exit codes and streams are the same', async () => {
    const log = await written(folder('audit.log'), LOG);
    const good = await spawnLeastwise(['generate', '-f', log, '--user', 'alice']).ended;
    expect(good.end).toBe(0);
    expect(rulesOf(good.stdout)).toEqual({ 'Role ns1': ['list pods', 'get secrets [s]'] });
    expect(good.stderr).toContain('1 of 1 subjects');
    expect((await spawnLeastwise(['generate', '-f', log, '--user', 'bob']).ended).end).toBe(1);
    expect((await spawnLeastwise(['generate', '-f', `${log}.gone`, '--all']).ended).end).toBe(2);
    expect((await spawnLeastwise(['--version']).ended).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
