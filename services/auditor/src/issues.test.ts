import { catalogue } from '@leastwise/findings';
import { violationObjects, type WantedViolation } from '@leastwise/kube';
import { ForgeError, type KeyedIssue } from '@leastwise/publish';
import { createNullLog } from '@leastwise/runtime';
import { expect, test } from 'vitest';

import { IssueKeeper } from './issues.ts';

const CHECKS = new Map(catalogue().map((info) => [info.id, info]));

function violation(name: string, severity: 'CRITICAL' | 'HIGH' | 'LOW', message = 'm'): WantedViolation {
  const object = { kind: 'ClusterRoleBinding', name };
  const finding = { check: 'R009', severity, message, object, paths: [], key: name };
  const [only] = violationObjects([finding], { catalogue: CHECKS, ownersOf: () => ['@acme/sre'] });
  if (!only) throw new Error('no violation');
  return only;
}

class Forge {
  readonly limits = { title: 255, body: 60_000 };
  readonly kept: KeyedIssue[] = [];
  fail: ForgeError | undefined;

  async keepIssue(issue: KeyedIssue): Promise<void> {
    if (this.fail) throw this.fail;
    this.kept.push(issue);
  }

  take(): string[] {
    return this.kept
      .splice(0)
      .map(({ key, isOpen }) => `${isOpen ? 'open' : 'closed'} ${key.replace(/-[0-9a-f]{16}$/, '')}`);
  }
}

function keeper(maxOpen = 10): { forge: Forge; issues: IssueKeeper; counts: string[] } {
  const forge = new Forge();
  const counts: string[] = [];
  const issues = new IssueKeeper('prod', {
    forge,
    labels: ['rbac'],
    severity: 'HIGH',
    maxOpen,
    log: createNullLog(),
    count: (result) => counts.push(result),
  });
  return { forge, issues, counts };
}

const NO_MANIFEST = (): undefined => undefined;

test('violations that are bad enough get one issue each, the worst ones first, and no second one', async () => {
  const { forge, issues } = keeper();
  const all = [violation('mild', 'LOW'), violation('bad', 'HIGH'), violation('worst', 'CRITICAL')];
  await issues.keep(all, [], NO_MANIFEST);
  expect(forge.take()).toEqual(['open violation/prod/r009-worst', 'open violation/prod/r009-bad']);
  await issues.keep(all, [], NO_MANIFEST);
  expect(forge.take()).toEqual([]);
});

test('an issue follows its violation: changed, suppressed or gone, and back', async () => {
  const { forge, issues } = keeper();
  await issues.keep([violation('a', 'HIGH')], [], NO_MANIFEST);
  await issues.keep([violation('a', 'HIGH', 'changed')], [], NO_MANIFEST);
  expect(forge.take()).toEqual(['open violation/prod/r009-a', 'open violation/prod/r009-a']);
  const suppressed = { owner: 'ann', until: '2026-12-31', reason: 'r' };
  await issues.keep([{ ...violation('a', 'HIGH'), suppressed }], [], NO_MANIFEST);
  expect(forge.take()).toEqual(['closed violation/prod/r009-a']);
  await issues.keep([violation('a', 'HIGH')], [], NO_MANIFEST);
  await issues.keep([], [], NO_MANIFEST);
  expect(forge.take()).toEqual(['open violation/prod/r009-a', 'closed violation/prod/r009-a']);
});

test('what was resolved while nobody looked is closed once', async () => {
  const { forge, issues } = keeper();
  const { name } = violation('old', 'HIGH').violation.metadata;
  await issues.keep([], [name], NO_MANIFEST);
  await issues.keep([], [name], NO_MANIFEST);
  expect(forge.take()).toEqual(['closed violation/prod/r009-old']);
});

test('there are no more than wanted; when one is gone, the next one has its turn', async () => {
  const { forge, issues } = keeper(1);
  await issues.keep([violation('a', 'HIGH'), violation('b', 'CRITICAL')], [], NO_MANIFEST);
  expect(forge.take()).toEqual(['open violation/prod/r009-b']);
  await issues.keep([violation('a', 'HIGH')], [], NO_MANIFEST);
  expect(forge.take()).toEqual(['open violation/prod/r009-a', 'closed violation/prod/r009-b']);
});

test('a forge that fails is asked again at the next audit', async () => {
  const { forge, issues, counts } = keeper();
  forge.fail = new ForgeError('unreachable', 'no answer');
  await issues.keep([violation('a', 'HIGH'), violation('b', 'HIGH')], [], NO_MANIFEST);
  expect(counts).toEqual(['failed']);
  forge.fail = undefined;
  await issues.keep([violation('a', 'HIGH'), violation('b', 'HIGH')], [], NO_MANIFEST);
  expect(forge.take()).toHaveLength(2);
});

test('an issue says what it is about, and a name cannot break out of it', async () => {
  const { forge, issues } = keeper();
  const hostile = violation('x', 'HIGH', 'bound to `a` @everyone <script>\n# head');
  await issues.keep([hostile], [], () => 'kind: "```"\nname: "@everyone"\n');
  const [issue] = forge.kept;
  expect(issue?.title).toMatch(/^HIGH: .* \(R009\) by ClusterRoleBinding-x in prod$/);
  expect(issue?.labels).toEqual(['rbac']);
  expect(issue?.body).toContain('@acme/sre');
  expect(issue?.body).not.toMatch(/^# head/m);
  expect(issue?.body.replace(/`+[^`]*`+/g, '')).not.toContain('<script>');
});
