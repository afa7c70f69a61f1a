import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder } from '../testing/command.ts';

const folder = ownFolder();

async function written(content: string, name = 'policy.yaml'): Promise<string> {
  const path = folder();
  await mkdir(path, { recursive: true });
  await writeFile(join(path, name), content);
  return join(path, name);
}

const policyOf = (...rules: string[]): string =>
  `apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n${rules.map((rule) => `- ${rule}\n`).join('')}`;
const EVERYTHING = '{level: Metadata}';
const LOG =
  asked('alice', 'create pods') +
  asked('alice', 'list secrets', { id: '2' }) +
  asked('bob', 'list pods', { id: '3' });

describe('lint', () => {
  const lint = (...words: string[]) => leastwise(['audit-policy', 'lint', ...words]);

  test('names file, line, reason and remedy of each finding, and ends with 1', async () => {
    const file = await written(policyOf('{level: None, verbs: ["*"]}', EVERYTHING));
    const { code, stdout } = await lint(file);
    expect(code).toBe(1);
    expect(stdout).toContain(
      `${file}:5: warning W02 * in verbs is no wildcard: it matches only what is called so\n`,
    );
    expect(stdout).toContain('\n  W02  leave the field out: an empty list stands for everything\n');
    expect(stdout).toMatch(/\n0 errors, \d+ warnings\n$/);
  });

  test('reads every policy below a folder, and passes over what holds none', async () => {
    const root = folder();
    await mkdir(join(root, 'deep', '.hidden'), { recursive: true });
    const bad = policyOf('{level: None, verbs: ["*"]}', EVERYTHING);
    await writeFile(join(root, 'deep', 'b.yaml'), bad);
    await writeFile(join(root, 'deep', '.hidden', 'c.yaml'), bad);
    await writeFile(join(root, 'a.yml'), 'apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n');
    await writeFile(join(root, 'notes.txt'), 'kind: Policy');
    const { code, stdout, stderr } = await lint(root);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain(`${join(root, 'deep', 'b.yaml')}:5: warning W02`);
    expect(stdout).not.toMatch(/a\.yml|notes|hidden/);
  });

  test('refuses a folder without a policy, and tells of one that an API server would not start with', async () => {
    const root = folder();
    await mkdir(root);
    await writeFile(join(root, 'a.yaml'), 'kind: Namespace\napiVersion: v1\n');
    const none = await lint(root);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no audit policy below it')]);
    await writeFile(join(root, 'b.yaml'), 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n');
    const { code, stdout } = await lint(root);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`${join(root, 'b.yaml')}:`)]);
  });

  test('ends with 0 where nothing is found at the severity that is asked for', async () => {
    const file = await written(policyOf(EVERYTHING));
    expect(await lint(file, '--severity', 'error')).toEqual({ code: 0, stdout: 'no findings\n', stderr: '' });
  });

  test('finds what keeps an API server from starting, in all files', async () => {
    const [one, two] = [await written(policyOf('{level: X}')), await written('rules: [')];
    const { code, stdout } = await lint(one, two, '--severity', 'error');
    expect(code).toBe(1);
    expect(stdout).toContain(`${one}:5: error E01 rules[0].level is "X"`);
    expect(stdout).toContain(`${two}:1: error E01 `);
    expect(stdout).toContain('2 errors, 0 warnings\n');
  });

  test('knows whom rules hide, and that bodies are cut', async () => {
    const hide = '{level: None, users: ["system:serviceaccount:a:b"]}';
    const file = await written(
      policyOf(hide, '{level: Request, resources: [{resources: [pods]}]}', EVERYTHING),
    );
    const { stdout } = await lint(file, '--learned', 'system:serviceaccount:a:b', '--truncates');
    expect(stdout).toContain('W12 it hides requests of "system:serviceaccount:a:b"');
    expect(stdout).not.toContain('W14');
  });

  test('writes JSON', async () => {
    const file = await written(policyOf(EVERYTHING, '{level: None, users: [u]}'));
    const { stdout } = await lint(file, '-o', 'json');
    const { findings, errors } = JSON.parse(stdout) as { findings: { id: string }[]; errors: number };
    expect(errors).toBe(0);
    expect(findings.find(({ id }) => id === 'W01')).toMatchObject({
      ...{ file, line: 6, ruleIndex: 1, shadowedBy: [0], severity: 'warning' },
      reason: 'all requests that it matches are decided by rule 1',
    });
  });

  test('writes SARIF, whose fingerprints do not move with lines', async () => {
    const file = await written(policyOf('{level: Request}'));
    const results = async () => {
      const { stdout } = await lint(file, '-o', 'sarif', '--severity', 'error');
      const { runs } = JSON.parse(stdout) as {
        runs: [
          {
            tool: { driver: { rules: unknown[] } };
            results: { ruleId: string; partialFingerprints: object; locations: object[] }[];
          },
        ];
      };
      expect(runs[0].tool.driver.rules).toHaveLength(20);
      return runs[0].results;
    };
    const [before] = await results();
    expect(before).toMatchObject({
      ruleId: 'E03',
      locations: [{ physicalLocation: { region: { startLine: 5 } } }],
    });
    await writeFile(file, `# moved\n${await readFile(file, 'utf8')}`);
    const [after] = await results();
    expect(after?.locations).not.toEqual(before?.locations);
    expect(after?.partialFingerprints).toEqual(before?.partialFingerprints);
  });

  test('reads standard input, and fails on a file that is not there', async () => {
    const { stdout } = await leastwise(
      ['audit-policy', 'lint', '-', '--severity', 'error'],
      policyOf(EVERYTHING),
    );
    expect(stdout).toBe('no findings\n');
    const { code, stderr } = await lint('/nowhere/policy.yaml');
    expect([code, stderr]).toEqual([2, expect.stringContaining('/nowhere/policy.yaml')]);
  });

  test('shows nothing of a policy that steers a terminal', async () => {
    const file = await written(policyOf('{level: "\\e[31m\\u202e"}'));
    for (const form of ['table', 'json', 'sarif']) {
      const { stdout } = await lint(file, '-o', form);
      expect(stdout).not.toMatch(/[\u001b\u202e]/);
    }
  });
});

describe('simulate', () => {
  const simulate = (...words: string[]) => leastwise(['audit-policy', 'simulate', ...words]);

  test('counts requests by rule, and names who is hidden', async () => {
    const file = await written(policyOf('{level: None, users: [bob]}', EVERYTHING));
    const log = await written(LOG, 'audit.log');
    const { code, stdout } = await simulate(file, '-f', log);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ +/).slice(1, 6))).toEqual(
      expect.arrayContaining([
        ['1', '5', 'None', '1', '0'],
        ['2', '6', 'Metadata', '2', '2'],
      ]),
    );
    expect(stdout).toContain('\n  bob: 1 of 1, all\n');
    expect(stdout).toContain('\n  D24 powerful rules written into roles: sees nothing');
  });

  test('counts requests that no rule matches, and copies once', async () => {
    const file = await written(policyOf('{level: Metadata, verbs: [list]}'));
    const log = await written(LOG + LOG, 'audit.log');
    const { stdout } = await simulate(file, '-f', log, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      total: { requests: 3, events: 2 },
      perDay: { events: 48 },
      rules: [
        { ruleIndex: 0, level: 'Metadata', requests: 2 },
        { ruleIndex: null, level: 'None', requests: 1 },
      ],
    });
  });

  test('counts what is no evidence, too, by the authenticated user', async () => {
    const file = await written(
      policyOf('{level: None, users: [""]}', '{level: None, users: [real]}', EVERYTHING),
    );
    const event = {
      ...(JSON.parse(asked('real', 'get pods')) as object),
      impersonatedUser: { username: 'other' },
    };
    const failed = {
      ...(JSON.parse(asked('', 'list pods', { id: '9' })) as object),
      stage: 'ResponseStarted',
      responseStatus: { code: 401 },
      annotations: {},
    };
    const log = await written(`${JSON.stringify(event)}\n${JSON.stringify(failed)}\n`, 'audit.log');
    const { stdout } = await simulate(file, '-f', log, '-o', 'json');
    // Failed authentication has no user, not one that is called nothing.
    expect(JSON.parse(stdout)).toMatchObject({
      rules: [{ requests: 0 }, { requests: 1 }, { requests: 1, events: 1 }, {}],
    });
  });

  test('tells what becomes of one request', async () => {
    const file = await written(
      policyOf(
        '{level: Request, userGroups: ["system:serviceaccounts:a"], verbs: [list]}',
        '{level: Metadata, userGroups: [team]}',
      ),
    );
    const one = async (...words: string[]) => (await simulate(file, ...words)).stdout;
    const secrets = ['--verb', 'GET', '--url', '/api/v1/secrets'];
    expect(await one('--user', 'system:serviceaccount:a:b', ...secrets)).toBe(
      'rule 1 (line 5): level Request, logged at ResponseComplete\n',
    );
    expect(
      await one('--user', 'alice', '--group', 'team', '--verb', 'watch', '--url', '/api/v1/pods?watch=1'),
    ).toBe('rule 2 (line 6): level Metadata, logged at ResponseStarted, ResponseComplete\n');
    expect(await one(...secrets)).toBe('no rule matches: level None, nothing is logged\n');
    expect(JSON.parse(await one('--user', 'alice', ...secrets, '-o', 'json'))).toEqual({
      ...{ ruleIndex: null, line: null, level: 'None', stages: [], omitManagedFields: false },
    });
  });

  test.each([
    ['neither logs nor a request', []],
    ['both', ['-f', 'x', '--verb', 'get', '--url', '/']],
    ['half a request', ['--verb', 'get']],
    ['logs and a user', ['-f', 'x', '--user', 'alice']],
    ['a URL that is none', ['--verb', 'get', '--url', 'pods']],
  ])('ends with 2 for %s', async (_, words) => {
    const file = await written(policyOf(EVERYTHING));
    expect((await simulate(file, ...words)).code).toBe(2);
  });

  test('refuses what an API server refuses, and several policies', async () => {
    const log = await written(LOG, 'audit.log');
    const bad = await written(policyOf('{level: X}'));
    expect(await simulate(bad, '-f', log)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${bad}:5: rules[0].level is "X"`) as string,
    });
    const two = await written(`${policyOf(EVERYTHING)}---\n${policyOf(EVERYTHING)}`);
    expect(await simulate(two, '-f', log)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('several policies (line 1, line 7)') as string,
    });
  });

  test('goes on with a field that an API server ignores, and says so', async () => {
    const file = await written(policyOf('{level: Metadata, namespace: a}'));
    const { code, stdout, stderr } = await simulate(
      file,
      '--user',
      'u',
      '--verb',
      'get',
      '--url',
      '/api/v1/pods',
    );
    expect([code, stdout]).toEqual([0, 'rule 1 (line 5): level Metadata, logged at ResponseComplete\n']);
    expect(stderr).toContain('rules[0].namespace is no field');
  });

  test('names records that cannot be read, and fails on them where it is to be strict', async () => {
    const file = await written(policyOf(EVERYTHING));
    const log = await written(`${LOG}{"kind":\n`, 'audit.log');
    const [lenient, strict] = [await simulate(file, '-f', log), await simulate(file, '-f', log, '--strict')];
    expect([lenient.code, lenient.stderr]).toEqual([0, 'warning: 1 record could not be read\n']);
    expect([strict.code, strict.stderr]).toEqual([2, expect.stringContaining(`${log}:4: truncated`)]);
    const none = await simulate(file, '-f', await written('', 'audit.log'));
    expect([none.code, none.stderr]).toEqual([2, 'error: no requests: the logs hold none\n']);
  });

  test('leaves out what filters leave out', async () => {
    const file = await written(policyOf(EVERYTHING));
    const log = await written(LOG, 'audit.log');
    const { stdout } = await simulate(file, '-f', log, '--filter', 'deny user=alice', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ total: { requests: 1 } });
  });
});

describe('diff', () => {
  test('says more and less, and ends with 1', async () => {
    const [old, fresh] = [
      await written(policyOf(EVERYTHING)),
      await written(policyOf('{level: None, users: [bob]}', '{level: Request}')),
    ];
    const log = await written(LOG, 'audit.log');
    const { code, stdout } = await leastwise(['audit-policy', 'diff', old, fresh, '-f', log]);
    expect(code).toBe(1);
    expect(stdout).toContain('events a day: 72 → 48 (-24)\n');
    expect(stdout).toContain('  Metadata → Request (rule 1 → 2): 2 requests\n');
    expect(stdout).toContain('  Metadata → None (rule 1 → 1): 1 request, 1 are hidden\n');
    expect(stdout).toContain('Hidden now, of those seen before:\n  bob: 1 of 1, all\n');
    expect(stdout).toContain('  + D24 powerful rules written into roles: sees all\n');
    const json = await leastwise(['audit-policy', 'diff', old, fresh, '-f', log, '-o', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      moreDetailed: 2,
      lessDetailed: 1,
      before: { total: { events: 3 } },
    });
  });

  test('ends with 0 where nothing differs, and with 2 without logs', async () => {
    const [old, fresh] = [
      await written(policyOf(EVERYTHING)),
      await written(policyOf('{level: Metadata, users: []}')),
    ];
    const log = await written(LOG, 'audit.log');
    expect(await leastwise(['audit-policy', 'diff', old, fresh, '-f', log])).toEqual({
      code: 0,
      stdout: 'no difference\n',
      stderr: '',
    });
    expect((await leastwise(['audit-policy', 'diff', old, fresh])).code).toBe(2);
  });
});

describe('generate', () => {
  const generate = (...words: string[]) => leastwise(['audit-policy', 'generate', ...words]);

  test.each(['default', 'minimal', 'gke', 'forensics'])(
    'writes the preset %s, which has no errors',
    async (preset) => {
      const { code, stdout } = await generate('--preset', preset);
      expect(code).toBe(0);
      const lint = await leastwise(['audit-policy', 'lint', '-', '--severity', 'error'], stdout);
      expect(lint).toEqual({ code: 0, stdout: 'no findings\n', stderr: '' });
    },
  );

  test('keeps within a budget, and says what it left out', async () => {
    // 24 hours a day of 1000 renewals, and as many probes.
    const leases = Array.from({ length: 1000 }, (_, i) =>
      asked('system:node:a', 'update leases', { id: `l${String(i)}` }).replace(
        '/api/v1/',
        '/apis/coordination.k8s.io/v1/',
      ),
    ).join('');
    const log = await written(LOG + leases, 'audit.log');
    const measured = await generate('-f', log);
    expect(measured.stderr).toMatch(/^about \d+\.\d MB a day; left out for volume: nothing\n$/);
    const { code, stdout, stderr } = await generate('-f', log, '--budget-mb-per-day', '1');
    expect(code).toBe(0);
    expect(stderr).toBe('about 0.1 MB a day; left out for volume: leases\n');
    expect(stdout).toContain('# - renewals of leases: the permission for it looks unused everywhere\n');
    const small = await generate('-f', log, '--budget-mb-per-day', '0.001');
    expect([small.code, small.stderr]).toEqual([1, expect.stringContaining('the budget is too small')]);
  });

  test.each([
    ['a budget without logs', ['--budget-mb-per-day', '1']],
    ['a budget that is no number', ['--budget-mb-per-day', 'x']],
    ['no budget at all', ['--budget-mb-per-day', '0']],
    ['an unknown preset', ['--preset', 'x']],
  ])('ends with 2 for %s', async (_, words) => {
    expect((await generate(...words)).code).toBe(2);
  });
});
