import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { readAuditPolicies } from '../model/read-audit-policies.ts';
import { of, policy, sourced } from '../testing/build.ts';
import type { AuditPolicy, AuditRule } from '../types.ts';
import type { LintOptions } from './check.ts';
import { LINT_CATALOGUE, lintPolicy, type PolicyFinding, problemFinding } from './lint-policy.ts';

const RECEIVED = ['RequestReceived'] as const;
const CATCH_ALL = { level: 'Metadata' } as const;

function found(id: string, made: AuditPolicy, options: LintOptions = {}): PolicyFinding[] {
  return lintPolicy(sourced(made), options).filter((each) => each.id === id);
}

function reasons(id: string, rules: readonly Partial<AuditRule>[], fields = {}): string[] {
  return found(id, policy(rules, fields)).map(({ line, reason }) => `${String(line)}: ${reason}`);
}

describe('E03: bodies of what holds credentials', () => {
  test.each<[string, Partial<AuditRule>[], string[]]>([
    [
      'secrets by name',
      [{ level: 'Request', resources: [of(['secrets'])] }],
      ['10: level Request logs bodies of secrets'],
    ],
    [
      'all of core',
      [{ level: 'RequestResponse', resources: [of([])] }],
      [
        '10: level RequestResponse logs bodies of secrets, configmaps, serviceaccounts/token: tokens can be used by whoever reads the log',
      ],
    ],
    [
      'everything',
      [{ level: 'Request' }],
      [
        '10: level Request logs bodies of secrets, configmaps, tokenreviews, serviceaccounts/token: tokens can be used by whoever reads the log',
      ],
    ],
    [
      'token reviews',
      [{ level: 'Request', resources: [of(['*'], 'authentication.k8s.io')] }],
      ['10: level Request logs bodies of tokenreviews: tokens can be used by whoever reads the log'],
    ],
    [
      'tokens by a wildcard',
      [{ level: 'RequestResponse', resources: [of(['*/token'])] }],
      [
        '10: level RequestResponse logs bodies of serviceaccounts/token: tokens can be used by whoever reads the log',
      ],
    ],
    [
      'what an earlier rule keeps out only in part',
      [
        { resources: [of(['secrets'])], verbs: ['get'] },
        { level: 'Request', resources: [of(['secrets'])] },
      ],
      ['20: level Request logs bodies of secrets'],
    ],
    [
      'what an earlier rule keeps out',
      [
        { resources: [of(['secrets', 'configmaps', 'serviceaccounts/token'])] },
        { level: 'Request', resources: [of([])] },
      ],
      [],
    ],
    ['other things', [{ level: 'RequestResponse', resources: [of(['pods', 'serviceaccounts'])] }], []],
    ['Metadata', [CATCH_ALL], []],
    ['URLs', [{ level: 'Request', nonResourceURLs: ['*'] }], []],
  ])('%s', (_, rules, expected) => {
    expect(reasons('E03', rules)).toEqual(expected);
  });
});

describe('W01: rules that are never reached', () => {
  test('name the rules that decide in their place', () => {
    const rules = [{ verbs: ['get'] }, { verbs: ['list'] }, { users: ['u'], verbs: ['get', 'list'] }];
    expect(found('W01', policy(rules))).toMatchObject([
      {
        line: 30,
        rule: 2,
        reason: 'all requests that it matches are decided by rules 1 and 2',
        shadowedBy: [0, 1],
      },
    ]);
  });

  test('are those that no request can match, too', () => {
    expect(reasons('W01', [{ resources: [of(['*/*'])] }, { verbs: ['*'] }])).toEqual([
      '10: no request can match it',
      '20: no request can match it',
    ]);
  });

  test('are not those that catch a part', () => {
    expect(reasons('W01', [{ users: ['u'] }, { verbs: ['get'] }, {}])).toEqual([]);
    // Failed authentication is in neither group.
    const groups = ['system:authenticated', 'system:unauthenticated'];
    expect(reasons('W01', [{ userGroups: groups }, {}])).toEqual([]);
    for (const own of [{ users: ['u'] }, { userGroups: ['team'] }]) {
      expect(reasons('W01', [{ userGroups: groups }, own])).toEqual([
        '20: all requests that it matches are decided by rule 1',
      ]);
    }
  });

  test('are undecided where the rules above are too many', () => {
    const names = Array.from({ length: 1500 }, (_, i) => `r${i}`);
    const same = Array.from({ length: 4 }, () => ({ users: ['u'], resources: [of(names)] }));
    const [first] = reasons('W01', same).slice(-1);
    expect(first).toMatch(/^\d+: the rules above it are too many to tell whether it is ever reached$/);
  });
});

describe('rule by rule', () => {
  const apps = of(['deployments'], 'apps');
  test.each<[string, string, Partial<AuditRule>, string[]]>([
    [
      'W02',
      'a star for a verb',
      { verbs: ['*'] },
      ['10: * in verbs is no wildcard: it matches only what is called so'],
    ],
    [
      'W02',
      'a star at the end of a user',
      { users: ['system:serviceaccount:*'] },
      ['10: * in users is no wildcard: it matches only what is called so'],
    ],
    [
      'W02',
      'a star for a group',
      { userGroups: ['*'] },
      ['10: * in userGroups is no wildcard: it matches only what is called so'],
    ],
    [
      'W02',
      'a star for a namespace',
      { namespaces: ['*'] },
      ['10: * in namespaces is no wildcard: it matches only what is called so'],
    ],
    [
      'W02',
      'a star for a name',
      { resources: [of(['pods'], '', ['*'])] },
      ['10: * in resourceNames is no wildcard: it matches only what is called so'],
    ],
    ['W02', 'stars where they are wildcards', { resources: [of(['*'])] }, []],
    [
      'W03',
      'replace',
      { verbs: ['replace'] },
      ['10: no request has the verb "replace"; did you mean update?'],
    ],
    [
      'W03',
      'connect',
      { verbs: ['connect'] },
      ['10: no request has the verb "connect"; did you mean create and get?'],
    ],
    [
      'W03',
      'upper case',
      { verbs: ['GET', 'get'] },
      ['10: no request has the verb "GET"; did you mean get?'],
    ],
    [
      'W03',
      'a method for resources',
      { verbs: ['post'], resources: [apps] },
      ['10: no request has the verb "post"; did you mean create?'],
    ],
    [
      'W03',
      'a verb for URLs',
      { verbs: ['list'], nonResourceURLs: ['/healthz'] },
      ['10: no request has the verb "list"'],
    ],
    [
      'W03',
      'a verb of authorizers',
      { verbs: ['impersonate'] },
      ['10: no request has the verb "impersonate"'],
    ],
    [
      'W03',
      'all verbs that there are',
      {
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'proxy'],
        resources: [apps],
      },
      [],
    ],
    ['W03', 'methods for URLs', { verbs: ['get', 'head', 'post'], nonResourceURLs: ['/healthz'] }, []],
    [
      'W04',
      'names with create',
      { verbs: ['create'], resources: [of(['pods'], '', ['x'])] },
      ['10: requests to create have no name, but for list and watch with fieldSelector=metadata.name=…'],
    ],
    [
      'W04',
      'names with create of a subresource',
      { verbs: ['create'], resources: [of(['pods/exec'], '', ['x'])] },
      [],
    ],
    [
      'W04',
      'names with other verbs, too',
      { verbs: ['create', 'update'], resources: [of(['pods'], '', ['x'])] },
      [],
    ],
    ['W04', 'names with all verbs', { resources: [of(['pods'], '', ['x'])] }, []],
    [
      'W05',
      'r/*',
      { resources: [of(['pods/*'])] },
      ['10: "pods/*" matches "pods" itself, too, not only its subresources'],
    ],
    [
      'W05',
      '*/*',
      { resources: [of(['*/*'])] },
      ['10: */* matches nothing: * alone is everything, subresources included'],
    ],
    ['W05', '*/sub', { resources: [of(['*/status'])] }, []],
    [
      'W15',
      'everybody',
      { level: 'None', userGroups: ['system:authenticated'] },
      ['10: level None for system:authenticated hides requests of everybody who is logged in'],
    ],
    [
      'W15',
      'everybody at all URLs',
      { level: 'None', userGroups: ['system:authenticated'], nonResourceURLs: ['/*'] },
      ['10: level None for system:authenticated hides requests of everybody who is logged in'],
    ],
    [
      'W15',
      'everybody at some URLs',
      { level: 'None', userGroups: ['system:authenticated'], nonResourceURLs: ['/version'] },
      [],
    ],
    ['W15', 'everybody at a level', { userGroups: ['system:authenticated'] }, []],
    [
      'W17',
      'the group *',
      { resources: [of(['pods'], '*')] },
      ['10: API servers before 1.36 do not start with group "*"'],
    ],
    ['W17', 'another group', { resources: [apps] }, []],
  ])('%s: %s', (id, _, rule, expected) => {
    expect(reasons(id, [rule])).toEqual(expected);
  });
});

describe('W06: namespace rules', () => {
  const inSystem = { level: 'Request', namespaces: ['kube-system'], resources: [of(['pods'])] } as const;
  test('are bypassed by a list of all namespaces at a lesser level', () => {
    expect(reasons('W06', [inSystem, CATCH_ALL])).toEqual([
      '10: to list "pods" of all namespaces at once shows these namespaces, too, and is at level Metadata',
    ]);
    const all = { ...inSystem, resources: [] };
    expect(reasons('W06', [all])).toEqual([
      '10: to list resources of all namespaces at once shows these namespaces, too, and is at level None',
    ]);
  });

  test.each<[string, Partial<AuditRule>[]]>([
    ['where it is at the same level', [inSystem, { level: 'Request' }]],
    ['where they log less', [{ ...inSystem, level: 'None' }, CATCH_ALL]],
    ['where they name the empty namespace', [{ ...inSystem, namespaces: ['kube-system', ''] }]],
    [
      'where an earlier rule decides about the empty namespace',
      [{ namespaces: [''] }, { ...inSystem, namespaces: ['kube-system', ''] }],
    ],
    ['where they are about other verbs', [{ ...inSystem, verbs: ['create'] }]],
    ['where they are about names', [{ ...inSystem, resources: [of(['pods'], '', ['x'])] }]],
  ])('are not %s', (_, rules) => {
    expect(reasons('W06', rules)).toEqual([]);
  });
});

describe('W07: a rule for all others', () => {
  test.each<[string, Partial<AuditRule>[], string[]]>([
    [
      'is missing',
      [{ verbs: ['get'] }],
      ['1: requests for resources and for other URLs that no rule matches are not logged'],
    ],
    [
      'is missing for URLs',
      [{ resources: [of(['*'], '*')] }],
      ['1: requests for other URLs that no rule matches are not logged'],
    ],
    [
      'is missing for failed authentication',
      [{ userGroups: ['system:authenticated', 'system:unauthenticated'] }],
      ['1: requests for resources and for other URLs that no rule matches are not logged'],
    ],
    ['is there', [{ verbs: ['get'] }, CATCH_ALL], []],
    ['is there in parts', [{ resources: [of(['*'], '*')] }, { nonResourceURLs: ['*'] }], []],
  ])('%s', (_, rules, expected) => {
    expect(reasons('W07', rules)).toEqual(expected);
  });
});

describe('stages', () => {
  const all = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
  test('W08: all omitted, by policy and rule together', () => {
    expect(reasons('W08', [{ omitStages: all.slice(1) }], { omitStages: RECEIVED })).toEqual([
      '10: level Metadata logs nothing: the rule and the policy omit all stages',
    ]);
    expect(reasons('W08', [{ level: 'None', omitStages: all }])).toEqual([]);
    expect(reasons('W08', [{ omitStages: all.slice(1) }])).toEqual([]);
  });

  test('W09: once for the policy, else for each rule', () => {
    const started =
      '1: ResponseStarted is omitted: failed authentication is logged at no other stage, and an exec only when it ends';
    const complete =
      'ResponseComplete is omitted: the outcome of a request is logged at no other stage, but for watches and streams';
    expect(reasons('W09', [CATCH_ALL, CATCH_ALL], { omitStages: ['ResponseStarted'] })).toEqual([started]);
    expect(reasons('W09', [CATCH_ALL, { omitStages: ['ResponseComplete'] }])).toEqual([`20: ${complete}`]);
    expect(reasons('W09', [{ level: 'None', omitStages: ['ResponseComplete'] }])).toEqual([]);
  });

  test('W10: RequestReceived kept', () => {
    expect(reasons('W10', [{ level: 'None' }, CATCH_ALL, { omitStages: RECEIVED }, CATCH_ALL])).toEqual([
      '20: rules 2 and 4 log each request when it comes, too: twice the volume, with neither status nor decision',
    ]);
    expect(reasons('W10', [CATCH_ALL], { omitStages: RECEIVED })).toEqual([]);
  });
});

describe('bodies', () => {
  const body = { level: 'Request', resources: [of(['pods'])] } as const;
  test('W11: managed fields are kept where nobody says', () => {
    expect(reasons('W11', [CATCH_ALL, body])).toEqual([
      '20: rule 2 logs bodies with their managedFields, which are often the larger part and tell nothing',
    ]);
    expect(reasons('W11', [body], { omitManagedFields: false })).toEqual([]);
    expect(reasons('W11', [{ ...body, omitManagedFields: true }])).toEqual([]);
  });

  test('W14: unless somebody says that large events are cut', () => {
    const [finding] = found('W14', policy([CATCH_ALL, body, body]));
    expect(finding?.reason).toMatch(/^rules 2 and 3 log bodies of up to megabytes/);
    expect(found('W14', policy([body]), { truncates: true })).toEqual([]);
    expect(found('W14', policy([CATCH_ALL]))).toEqual([]);
  });
});

describe('W12: learned subjects', () => {
  const learned = [
    { username: 'system:serviceaccount:a:b', groups: ['system:authenticated', 'system:serviceaccounts'] },
    { username: 'alice', groups: ['system:authenticated'] },
  ];
  const hide = (rule: Partial<AuditRule>): string[] =>
    found('W12', policy([{ level: 'None', ...rule }]), { learned }).map(({ reason }) => reason);

  test('are named where a rule hides them', () => {
    expect(hide({ users: ['alice', 'bob'] })).toEqual([
      'it hides requests of "alice": their rights look unused',
    ]);
    expect(hide({ userGroups: ['system:serviceaccounts'] })).toEqual([
      'it hides requests of "system:serviceaccount:a:b": their rights look unused',
    ]);
  });

  test('are not where it hides others, URLs or everybody', () => {
    expect(hide({ users: ['bob'] })).toEqual([]);
    expect(hide({ users: ['alice'], userGroups: ['system:serviceaccounts'] })).toEqual([]);
    expect(hide({ users: ['alice'], nonResourceURLs: ['/version'] })).toEqual([]);
    expect(hide({ userGroups: ['system:authenticated'] })).toEqual([]);
    expect(hide({ level: 'Metadata', users: ['alice'] })).toEqual([]);
  });
});

describe('W13: detections', () => {
  const blind = (made: AuditPolicy): string[] => found('W13', made).map(({ reason }) => reason.slice(0, 3));

  test('that need bodies are blind at Metadata, and no others', () => {
    expect(blind(policy([CATCH_ALL]))).toEqual(['D19', 'D21', 'D23', 'D24', 'D25', 'D36', 'D43']);
  });

  test('are none where everything is logged', () => {
    expect(blind(policy([{ level: 'RequestResponse' }]))).toEqual([]);
  });

  test('say what they miss, and by which rule', () => {
    const made = policy([
      { level: 'None', verbs: ['list'], resources: [of(['secrets'])] },
      { level: 'RequestResponse' },
    ]);
    expect(found('W13', made).find(({ reason }) => reason.startsWith('D07'))).toMatchObject({
      rule: 0,
      line: 10,
      reason:
        'D07 (secrets of all namespaces listed) sees only a part: list secrets in the whole cluster is at level None (rule 1)',
    });
  });

  test('of failed authentication need ResponseStarted', () => {
    const made = policy([{ level: 'RequestResponse' }], { omitStages: ['ResponseStarted'] });
    expect(blind(made)).toEqual(['D02', 'D14']);
  });
});

test('W16: v1beta1 is refused by API servers of today', () => {
  const findings = lintPolicy(sourced(policy([CATCH_ALL]), 'audit.k8s.io/v1beta1'));
  expect(findings.filter(({ id }) => id === 'W16').map(({ reason }) => reason)).toEqual([
    'API servers from 1.24 on do not start with audit.k8s.io/v1beta1',
  ]);
});

test('the catalogue has each id once, in order', () => {
  const ids = LINT_CATALOGUE.map(({ id }) => id);
  const warnings = Array.from({ length: 17 }, (_, i) => `W${String(i + 1).padStart(2, '0')}`);
  expect(ids).toEqual(['E01', 'E02', 'E03', ...warnings]);
});

function lintText(folder: URL, name: string): string {
  const { policies, problems } = readAuditPolicies(readFileSync(new URL(name, folder), 'utf8'), name);
  return [...problems.map(problemFinding), ...policies.flatMap((each) => lintPolicy(each))]
    .map(({ file, line, id, reason }) => `${file}:${String(line)}: ${id} ${reason}\n`)
    .join('');
}

describe('policies of real products', () => {
  const folder = new URL('../../testdata/policies/', import.meta.url);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();

  test('have the findings that a person has read', async () => {
    const text = names.map((name) => lintText(folder, name)).join('');
    await expect(text).toMatchFileSnapshot('../../testdata/policies/lint.txt');
  });

  const shared = new URL('../../../../../shared/data/public/_policies/', import.meta.url);
  test.skipIf(!existsSync(shared))('are read, also those that are not ours to copy', () => {
    for (const name of readdirSync(shared)) expect(lintText(shared, name), name).not.toContain(' E01 ');
    expect(lintText(shared, 'wzshiming.yaml')).toContain('wzshiming.yaml:6: W09 ResponseStarted is omitted');
  });
});
