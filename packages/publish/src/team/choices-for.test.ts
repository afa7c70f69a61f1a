import type { Subject } from '@leastwise/audit-event';
import { bootstrapDefaults, DEFAULT_OPTIONS } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { choicesFor, optionsFor, parseTeamFile, type ScopeChoices, type TeamChoices } from './index.ts';

function choicesOf(text: string): TeamChoices {
  const { choices, problems } = parseTeamFile(`version: 1\n${text}`);
  expect(problems).toEqual([]);
  if (choices === undefined) throw new Error('no choices');
  return choices;
}

const API: Subject = { kind: 'ServiceAccount', namespace: 'payments', name: 'api' };

function at(choices: TeamChoices, namespace: string, { cluster = 'prod', subject = API } = {}): ScopeChoices {
  return choicesFor(choices, { cluster, subject, namespace });
}

describe('knobs', () => {
  const choices = choicesOf(`policies:
  - {resourceNames: 1, verbMerge: Smart}
  - {clusters: [dev-*], resourceNames: 2}
  - {namespaces: [payments], resourceNames: 3}
  - {subjects: ['user:*'], resourceNames: 4, wildcards: Safe}
`);

  test('of all entries that match add up, and of one knob the last one counts', () => {
    expect(at(choices, '').knobs).toEqual({ resourceNames: 1, verbMerge: 'Smart' });
    expect(at(choices, '', { cluster: 'dev-1' }).knobs).toEqual({ resourceNames: 2, verbMerge: 'Smart' });
    expect(at(choices, 'payments', { cluster: 'dev-1' }).knobs).toEqual({
      resourceNames: 3,
      verbMerge: 'Smart',
    });
    const user: Subject = { kind: 'User', namespace: '', name: 'jane' };
    const found = at(choices, 'payments', { subject: user });
    expect(found.knobs).toEqual({ resourceNames: 4, verbMerge: 'Smart', wildcards: 'Safe' });
    expect(found.appliedPolicies).toEqual([0, 2, 3]);
  });

  test('of a broad entry win over those of a narrow one before it: the order decides, nothing else', () => {
    const broadLast = choicesOf(
      'policies:\n  - {namespaces: [a], resourceNames: 1}\n  - {resourceNames: 2}\n',
    );
    expect(at(broadLast, 'a').knobs).toEqual({ resourceNames: 2 });
  });

  test('for namespaces are not for what is cluster-scoped, not even those for all namespaces', () => {
    const all = choicesOf("policies: [{namespaces: ['*'], resourceNames: 1}]");
    expect(at(all, '').knobs).toEqual({});
    expect(at(all, 'x').knobs).toEqual({ resourceNames: 1 });
  });

  test('of names and labels are merged one by one', () => {
    const naming = choicesOf(
      "policies:\n  - {generateName: 'a-${subject}', generateLabels: {a: b}}\n  - {generateAnnotations: {c: d}, generateLabels: {e: f}}\n",
    );
    expect(at(naming, '').knobs.naming).toEqual({
      template: 'a-${subject}',
      labels: { e: 'f' },
      annotations: { c: 'd' },
    });
  });

  test('become options over those that the service has', () => {
    const own = choicesOf(
      "policies: [{retentionDays: 60, kubernetesVersion: '1.20', generateLabels: {a: b}}]",
    );
    const base = { ...DEFAULT_OPTIONS, verbMerge: 'Smart', includeDenied: true } as const;
    const options = optionsFor(at(own, ''), base);
    expect(options).toEqual({
      ...base,
      retentionDays: 60,
      includeDenied: false,
      kubernetesVersion: { major: 1, minor: 20 },
      naming: { ...DEFAULT_OPTIONS.naming, labels: { a: 'b' } },
      existing: bootstrapDefaults({ major: 1, minor: 20 }),
    });
    const [role] = bootstrapDefaults({ major: 1, minor: 20 });
    expect(role && optionsFor(at(own, ''), base, [role]).existing.at(-1)).toBe(role);
  });
});

describe('lists of subjects', () => {
  const choices = choicesOf(`
ignoredSubjects: ['serviceaccount:payments:*', 'user:bot']
includedSubjects: ['user:system:kube-*', 'group:system:nodes']
includeDenied: ['serviceaccount:*:api']
`);

  test.each([
    [API, [true, false, true]],
    [{ kind: 'ServiceAccount', namespace: 'payments-2', name: 'api' } as const, [false, false, true]],
    [{ kind: 'ServiceAccount', namespace: 'a', name: 'api-2' } as const, [false, false, false]],
    [{ kind: 'User', namespace: '', name: 'system:kube-scheduler' } as const, [false, true, false]],
    [{ kind: 'Group', namespace: '', name: 'system:nodes' } as const, [false, true, false]],
    [{ kind: 'User', namespace: '', name: 'system:nodes' } as const, [false, false, false]],
    [{ kind: 'User', namespace: '', name: 'serviceaccount:payments:x' } as const, [false, false, false]],
    [{ kind: 'Group', namespace: '', name: 'bot' } as const, [false, false, false]],
  ])('take %j as they say', (subject, expected) => {
    const { isIgnored, isIncluded, includesDenied } = at(choices, '', { subject });
    expect([isIgnored, isIncluded, includesDenied]).toEqual(expected);
  });

  test('turn refused requests into options for those subjects only', () => {
    expect(optionsFor(at(choices, '')).includeDenied).toBe(true);
    expect(optionsFor(at(choices, '', { subject: { ...API, name: 'web' } })).includeDenied).toBe(false);
  });
});

describe('pinned rules', () => {
  const pin = (verb: string, where: string): string =>
    `  - {subjects: ['serviceaccount:payments:*'], ${where}, rules: [{apiGroups: [''], resources: [pods], verbs: [${verb}]}]}\n`;
  const choices = choicesOf(
    `pinned:\n${pin('get', 'namespaces: [pay*]')}${pin('list', 'clusterWide: true')}${pin('watch', "namespaces: [payments], clusterWide: true, clusters: ['dev']")}`,
  );
  const verbs = (namespace: string, cluster = 'prod', subject = API): string[] =>
    at(choices, namespace, { cluster, subject }).pinned.flatMap((rule) => rule.verbs);

  test('are of a namespace or of the cluster as a whole, as they say', () => {
    expect(verbs('payments')).toEqual(['get']);
    expect(verbs('')).toEqual(['list']);
    expect(verbs('other')).toEqual([]);
  });

  test('of all entries that match add up', () => {
    expect(verbs('payments', 'dev')).toEqual(['get', 'watch']);
    expect(verbs('', 'dev')).toEqual(['list', 'watch']);
  });

  test('are for their subjects only', () => {
    expect(verbs('payments', 'dev', { ...API, namespace: 'shop' })).toEqual([]);
  });
});
