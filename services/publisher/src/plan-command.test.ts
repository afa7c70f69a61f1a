import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type CycleOutcome,
  type CycleSettings,
  ForgeError,
  PromiseBrokenError,
  type Proposal,
  TeamFileError,
} from '@leastwise/publish';
import { loadConfig } from '@leastwise/runtime';
import { openEmbeddedStore } from '@leastwise/state';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { configSchema } from './config.ts';
import { runPlanCommand } from './plan-command.ts';
import { planJson, planText } from './plan-text.ts';
import { leave, outcomeOf, push } from './testing/parts.ts';

const HOSTILE = 'Grant \u001b[31m\u202e `x`\nto 🦆';
const PROPOSAL: Proposal = {
  cluster: 'prod',
  group: 'shop',
  kind: 'additions',
  changes: [
    { action: 'write', path: 'a.yaml', content: 'secret' },
    { action: 'delete', path: 'b.yaml' },
  ],
  fingerprint: 'f',
  title: HOSTILE,
  body: 'body',
  labels: [],
  reviewers: [],
  commitMessage: 'm',
};

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leastwise-plan-'));
  await (await openEmbeddedStore({ dir: folder }))[Symbol.asyncDispose]();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function plan(words: readonly string[], outcome: CycleOutcome | Error = outcomeOf([])) {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const asked: CycleSettings[] = [];
  const host = { exitCode: 0, stdout: stream('stdout'), stderr: stream('stderr') };
  await runPlanCommand({
    argv: words,
    load: (argv) => loadConfig({ service: 'publisher', schema: configSchema, env: {}, argv }),
    version: '0',
    host,
    plan: async (_, settings) => {
      asked.push(settings);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
  });
  return { code: host.exitCode, ...said, asked };
}

describe('a plan', () => {
  const outcome = outcomeOf([push(), leave('declined', 'leastwise/b')], [], {
    proposals: [PROPOSAL],
    withheld: new Map([['system', 1]]),
    waiting: new Map([['gap', 2]]),
    problems: ['CODEOWNERS:1: \u001b[2J'],
  });

  it('is the sentences in their order, and the titles, without anything that steers a terminal', () => {
    expect(planText(outcome)).toBe(
      [
        'Push to leastwise/prod.shop.additions.',
        'Leave leastwise/b.',
        '',
        'Proposals:',
        '  leastwise/prod.shop.additions: Grant \\u{1b}[31m\\u{202e} `x`\\u{a}to 🦆',
        '',
      ].join('\n'),
    );
    expect(planText(outcomeOf([]))).toBe('Nothing to do.\n');
  });

  it('is, for machines, the same with its numbers, in ASCII', () => {
    const text = planJson(outcome);
    expect(text).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(text)).toEqual({
      actions: [
        {
          action: 'push',
          branch: 'leastwise/prod.shop.additions',
          sentence: 'Push to leastwise/prod.shop.additions.',
        },
        { action: 'leave', branch: 'leastwise/b', reason: 'declined', sentence: 'Leave leastwise/b.' },
      ],
      proposals: [
        {
          ...{ cluster: 'prod', group: 'shop', kind: 'additions', branch: 'leastwise/prod.shop.additions' },
          title: HOSTILE,
          changes: [
            { action: 'write', path: 'a.yaml' },
            { action: 'delete', path: 'b.yaml' },
          ],
        },
      ],
      withheld: { system: 1 },
      waiting: { gap: 2 },
      problems: outcome.problems,
    });
  });
});

describe('plan', () => {
  const flags = (): string[] => ['--repository.url=/srv/policies.git', `--state.folder=${folder}`];

  it('prints it in the form that is asked for, and problems beside it', async () => {
    const outcome = outcomeOf([], [], { problems: ['a\u001bb'] });
    const text = await plan(flags(), outcome);
    expect(text).toMatchObject({ code: 0, stdout: 'Nothing to do.\n', stderr: 'warning: a\\u{1b}b\n' });
    for (const form of [['-o', 'json'], ['--output=json']]) {
      expect((await plan([...form, ...flags()], outcome)).stdout).toBe(planJson(outcome));
      expect((await plan([...flags(), ...form], outcome)).stdout).toBe(planJson(outcome));
    }
  });

  it.each([
    [new PromiseBrokenError([]), 3],
    [new TeamFileError([]), 1],
    [new ForgeError('unreachable', 'no\u001broute'), 1],
  ])('that cannot be made says why: %s', async (error, code) => {
    const { stdout, stderr, code: exitCode } = await plan(flags(), error);
    expect([exitCode, stdout]).toEqual([code, '']);
    expect(stderr).toMatch(/^error: [\n -~]+$/);
  });

  it('asks for no policies to report, and writes none', async () => {
    const kubeconfigFile = join(folder, 'kubeconfig');
    const clusters = [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }];
    const contexts = [{ name: 'c', context: { cluster: 'c', user: 'u' } }];
    const users = [{ name: 'u', user: { token: 't' } }];
    writeFileSync(kubeconfigFile, JSON.stringify({ clusters, contexts, users, 'current-context': 'c' }));
    const reports = `--policyReports.clusters=${JSON.stringify({ prod: { kubeconfigFile } })}`;
    const { asked, ...rest } = await plan([...flags(), reports]);
    expect(rest).toEqual({ code: 0, stdout: 'Nothing to do.\n', stderr: '' });
    expect(asked.map(({ tellsPoliciesOf }) => tellsPoliciesOf)).toEqual([undefined]);
  });

  it('does not hide a bug', async () => {
    await expect(plan(flags(), new TypeError('bug'))).rejects.toThrow('bug');
  });

  it('is refused with a form that there is not, and with a configuration that cannot be used', async () => {
    expect((await plan(['-o', 'xml', ...flags()])).code).toBe(2);
    expect((await plan(['-o'])).code).toBe(2);
    const { code, stderr } = await plan(['--repository.url=ext::x', `--state.folder=${folder}/gone`]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/^bad configuration:\n {2}state\.folder: .*\n {2}repository\.url: .*\n$/);
  });
});
