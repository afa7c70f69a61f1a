import { START_US } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { lintPolicy } from '../lint/lint-policy.ts';
import { matchPolicy } from '../match/match-policy.ts';
import { readAuditPolicies } from '../model/read-audit-policies.ts';
import { stagesOf } from '../simulate/request.ts';
import { request, urlRequest } from '../testing/build.ts';
import type { AuditPolicy, RequestAttributes } from '../types.ts';
import { BudgetTuning, type GeneratedPolicy, generatePolicy } from './generate-policy.ts';
import { POLICY_PRESETS, policyOf, PRESET_RULES } from './presets.ts';
import { reducedSteps } from './reductions.ts';

function reread({ yaml }: GeneratedPolicy) {
  const { policies, problems } = readAuditPolicies(yaml, 'generated.yaml');
  expect(problems).toEqual([]);
  const [only] = policies;
  if (only === undefined) throw new Error('it holds no policy');
  return only;
}

const levelOf = (made: AuditPolicy, fields: Partial<RequestAttributes>): string =>
  matchPolicy(made, request(fields)).level;

describe.each(POLICY_PRESETS)('the preset %s', (preset) => {
  const generated = generatePolicy(preset);

  test('is what its YAML says', () => {
    expect(reread(generated).policy).toEqual(generated.policy);
  });

  test('has no errors, nothing that is never reached, and a rule for everything', () => {
    const findings = lintPolicy(reread(generated), { truncates: true });
    expect(
      findings.filter(
        ({ severity, id }) => severity === 'error' || ['W01', 'W07', 'W10', 'W11'].includes(id),
      ),
    ).toEqual([]);
  });

  test('says of each detection that does not see all that it does not', () => {
    const ids = lintPolicy(reread(generated))
      .filter(({ id }) => id === 'W13')
      .map(({ reason }) => reason.slice(0, 3));
    for (const id of ids)
      expect(
        generated.leftOut.some((each) => each.startsWith(`${id} `)),
        id,
      ).toBe(true);
  });

  test('logs no bodies of secrets, whoever asks for them', () => {
    const users = [
      { username: 'x', groups: ['system:nodes'] },
      { username: 'system:serviceaccount:kube-system:namespace-controller', groups: [] },
    ];
    for (const verb of ['get', 'list', 'watch', 'create', 'update', 'patch', 'deletecollection']) {
      for (const user of users)
        expect(levelOf(generated.policy, { verb, resource: 'secrets', user })).toBe('Metadata');
    }
  });

  test('looks as a person has read it', async () => {
    await expect(generated.yaml).toMatchFileSnapshot(`../../testdata/generated/${preset}.yaml`);
  });
});

describe('the presets', () => {
  test('default: Metadata everywhere, bodies for writes of RBAC only, failed authentication kept', () => {
    const { policy } = generatePolicy('default');
    expect(levelOf(policy, {})).toBe('Metadata');
    expect(levelOf(policy, { verb: 'patch', apiGroup: 'rbac.authorization.k8s.io', resource: 'roles' })).toBe(
      'RequestResponse',
    );
    expect(levelOf(policy, { verb: 'get', apiGroup: 'rbac.authorization.k8s.io', resource: 'roles' })).toBe(
      'Metadata',
    );
    expect(matchPolicy(policy, request({ user: undefined })).stages).toEqual([
      'ResponseStarted',
      'ResponseComplete',
      'Panic',
    ]);
    expect(matchPolicy(policy, urlRequest('/healthz')).level).toBe('Metadata');
  });

  test('minimal: no bodies, no probes', () => {
    const { policy } = generatePolicy('minimal');
    expect(policy.rules.map(({ level }) => level)).toEqual(['None', 'Metadata']);
    expect(matchPolicy(policy, urlRequest('/livez/ping')).level).toBe('None');
  });

  test('forensics: bodies of workloads, too', () => {
    const { policy, leftOut } = generatePolicy('forensics');
    expect(levelOf(policy, { verb: 'create', apiGroup: 'apps', resource: 'deployments' })).toBe(
      'RequestResponse',
    );
    expect(levelOf(policy, { verb: 'create', subresource: 'exec' })).toBe('Metadata');
    // Bodies of ConfigMaps stay out.
    expect(leftOut.map((each) => each.slice(0, 3))).toEqual(['D36']);
  });

  test('gke: says whom it hides, and keeps deletions of events', () => {
    const { policy, leftOut } = generatePolicy('gke');
    expect(leftOut.join('\n')).toMatch(/system:kube-proxy[^]*system:nodes[^]*Event objects/);
    expect(levelOf(policy, { verb: 'create', resource: 'events' })).toBe('None');
    expect(levelOf(policy, { verb: 'delete', resource: 'events' })).toBe('RequestResponse');
    expect(levelOf(policy, { verb: 'create', apiGroup: 'example.com', resource: 'things' })).toBe('Metadata');
  });

  test('keep people and other workloads visible under every reduction', () => {
    for (const preset of POLICY_PRESETS) {
      for (const rules of reducedSteps(PRESET_RULES[preset])) {
        const made = policyOf(rules);
        for (const username of ['alice', 'system:serviceaccount:shop:cart']) {
          const user = {
            username,
            groups: ['system:authenticated', 'system:serviceaccounts', 'system:serviceaccounts:shop'],
          };
          expect(levelOf(made, { user }), preset).not.toBe('None');
          expect(levelOf(made, { user, verb: 'list', resource: 'secrets', namespace: '' })).not.toBe('None');
        }
        expect(
          levelOf(made, {
            user: { username: 'system:node:n1', groups: ['system:nodes'] },
            resource: 'secrets',
          }),
        ).not.toBe('None');
        expect(made.rules.at(-1)).toMatchObject({ level: 'Metadata', users: [], nonResourceURLs: [] });
      }
    }
  });
});

describe('a budget', () => {
  const DAY_US = 86_400_000_000;
  const user = (username: string, ...groups: string[]) => ({
    username,
    groups: ['system:authenticated', ...groups],
  });
  /** A day of: 100 probes, 50 renewals of leases, 20 writes of events, 10 requests of alice, 1 write of a role. */
  const LOG: readonly RequestAttributes[] = [
    ...Array.from({ length: 100 }, () => urlRequest('/readyz')),
    ...Array.from({ length: 50 }, () =>
      request({
        verb: 'update',
        apiGroup: 'coordination.k8s.io',
        resource: 'leases',
        user: user('system:node:n1', 'system:nodes'),
      }),
    ),
    ...Array.from({ length: 20 }, () => request({ verb: 'create', resource: 'events', name: '' })),
    ...Array.from({ length: 10 }, () => request()),
    request({ verb: 'create', apiGroup: 'rbac.authorization.k8s.io', resource: 'roles', name: '' }),
  ];
  const tuned = (preset: 'default' | 'minimal', budget: number): GeneratedPolicy => {
    const tuning = new BudgetTuning(preset);
    for (const [i, attributes] of LOG.entries()) {
      const receivedAtUs = START_US + (i === 0 ? DAY_US : 0);
      tuning.add({ attributes, stages: stagesOf(attributes), receivedAtUs, metadataBytes: 1000 });
    }
    return tuning.choose(budget);
  };

  test.each([
    [1_000_000, [], 186_000],
    [100_000, ['probes'], 86_000],
    [66_000, ['probes', 'events'], 66_000],
    [65_999, ['probes', 'events', 'leases'], 16_000],
    // The control plane and nodes have no part in this log.
    [11_000, ['probes', 'events', 'leases', 'bodies'], 11_000],
    [1, ['probes', 'events', 'leases', 'bodies'], 11_000],
  ])('of %i bytes a day takes %j', (budget, reductions, bytesPerDay) => {
    const generated = tuned('default', budget);
    expect(generated).toMatchObject({ reductions, bytesPerDay });
    const findings = lintPolicy(reread(generated), { truncates: true });
    expect(findings.filter(({ severity, id }) => severity === 'error' || id === 'W01')).toEqual([]);
  });

  test('says what is left out for it', () => {
    const { leftOut, yaml } = tuned('default', 11_000);
    expect(leftOut).toEqual(
      expect.arrayContaining([
        'renewals of leases: the permission for it looks unused everywhere',
        'bodies: who was given which rights',
        'D24 (powerful rules written into roles) sees nothing: it needs Request',
      ]),
    );
    expect(yaml.split('\n')[0]).toBe('# This policy leaves out:');
  });

  test('leaves out no rule twice', () => {
    const tuning = new BudgetTuning('minimal');
    const attributes = urlRequest('/openapi/v2');
    tuning.add({ attributes, stages: stagesOf(attributes), receivedAtUs: START_US, metadataBytes: 1000 });
    const { policy, reductions } = tuning.choose(1);
    expect(reductions).toEqual(['probes']);
    expect(policy.rules.map(({ nonResourceURLs }) => nonResourceURLs.length)).toEqual([5, 0]);
  });
});
