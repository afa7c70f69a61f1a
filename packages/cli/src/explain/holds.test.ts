import { describe, expect, test } from 'vitest';

import { asked, leastwise, ownFolder } from '../testing/command.ts';
import { CI_BOT, EXAMPLE, explaining } from './testing/explained.ts';
import { event, reason, sectionOf } from './testing/log.ts';

const GROUP = 'rbac.authorization.k8s.io';

const { written, explained, explainedJson } = explaining(ownFolder());

const RBAC = `
apiVersion: ${GROUP}/v1
kind: ClusterRole
metadata: {name: cluster-admin}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
- {nonResourceURLs: ["*"], verbs: ["*"]}
---
apiVersion: ${GROUP}/v1
kind: ClusterRoleBinding
metadata: {name: alpha-ci-admin}
roleRef: {apiGroup: ${GROUP}, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, namespace: alpha-pay, name: ci-bot}
---
apiVersion: ${GROUP}/v1
kind: ClusterRole
metadata: {name: deployer}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: [get, list, patch, delete]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [release, other], verbs: [get]}
- {apiGroups: [""], resources: [secrets], verbs: [get, list]}
- {apiGroups: [""], resources: [services], verbs: [get]}
- {apiGroups: [""], resources: [namespaces], verbs: [get]}
- {nonResourceURLs: [/version], verbs: [get]}
---
apiVersion: ${GROUP}/v1
kind: RoleBinding
metadata: {name: deployers, namespace: alpha-pay}
roleRef: {apiGroup: ${GROUP}, kind: ClusterRole, name: deployer}
subjects:
- {kind: Group, apiGroup: ${GROUP}, name: "system:serviceaccounts:alpha-pay"}
`;
const NO_SECRETS =
  '{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, resources: [{resources: [secrets]}]}, {level: Metadata}]}';

describe('explain --rbac', () => {
  test('says what it holds through which binding, and what of that it never used', async () => {
    const flags = ['--rbac', await written(RBAC), '--audit-policy', await written(NO_SECRETS)];
    const { code, stdout, stderr } = await leastwise([...CI_BOT, ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    expect(sectionOf(stdout, 'Holds')).toMatchInlineSnapshot(`
      "Holds: through 2 bindings
        ClusterRoleBinding alpha-ci-admin -> ClusterRole cluster-admin, in the whole cluster, by its own name; named for 11 permissions, last 2026-11-21
          used in part, last 2026-11-21: * *.*
            wider than its use: * *.* in the whole cluster
          used in part, last 2026-11-21: * URLs *
            wider than its use: * URLs *
        RoleBinding alpha-pay/deployers -> ClusterRole deployer, in namespace alpha-pay, by group system:serviceaccounts:alpha-pay; never named
          used in part, 3 of 4 permissions, last 2026-11-21: get, list, patch, delete deployments.apps
            never used: delete deployments.apps in namespace alpha-pay
          used in part, 1 of 2 permissions, last 2026-11-21: get configmaps named release, other
            never used: get configmaps named other in namespace alpha-pay
          not observable: get, list secrets
            not observable: 2 permissions, for rule 1 of the audit policy (line 1) has level None
          never used: get services
          used, last 2026-11-21: get namespaces
          grants nothing here: get /version
        besides, what Kubernetes binds by itself: system:basic-user, system:discovery, system:public-info-viewer, system:service-account-issuer-discovery
        never named: not proven unused; the first binding that allows a request is named"
    `);
    expect(sectionOf(stdout, 'Blind spots')).toMatchInlineSnapshot(`
      "Blind spots: some of it is not logged
        rule 1 of the audit policy (line 1) has level None"
    `);
  });

  test('cuts long lists short, says so, and has them whole in JSON', async () => {
    const numbers = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
    const log = numbers.map((i) => event('alice', `bind things${i}`)).join('');
    const rule = (resources: readonly string[]) => ({ apiGroups: [''], resources, verbs: ['get'] });
    const many = Array.from({ length: 2_100 }, (_, i) => `r${String(i)}`);
    const objects = [
      {
        ...{ apiVersion: `${GROUP}/v1`, kind: 'Role', metadata: { name: 'many', namespace: 'ns1' } },
        rules: [...numbers.map((i) => rule([`things${i}`])), rule(many)],
      },
      {
        ...{ apiVersion: `${GROUP}/v1`, kind: 'RoleBinding', metadata: { name: 'many', namespace: 'ns1' } },
        roleRef: { apiGroup: GROUP, kind: 'Role', name: 'many' },
        subjects: [{ kind: 'User', name: 'alice' }],
      },
    ];
    const rbac = await written(objects.map((each) => JSON.stringify(each)).join('\n---\n'));
    const { stdout } = await explained(log, 'user:alice', '--rbac', rbac);
    expect(sectionOf(stdout, 'Withheld').split('\n')).toHaveLength(52);
    expect(sectionOf(stdout, 'Withheld')).toMatch(/\n {2}… and 10 more in JSON \(-o json\)$/);
    expect(stdout).toContain('    never used: get things49\n    … and 11 more rules (-o json)\n');
    const { value } = await explainedJson(log, 'user:alice', '--rbac', rbac);
    expect(value['notGranted']).toHaveLength(60);
    const held = value['holds'] as { isDefault: boolean; rules: { unused: []; more: number }[] }[];
    const [binding] = held.filter(({ isDefault }) => !isDefault);
    expect(binding?.rules.map(({ more }) => more).filter((more) => more > 0)).toEqual([160]);
    expect(binding?.rules.reduce((sum, { unused }) => sum + unused.length, 0)).toBe(2_000);
  });

  test('finds nothing unused in the very policy that it would be granted', async () => {
    for (const user of ['dana@example.com', 'eri@example.com']) {
      const chosen = ['--user', user, '--preset', 'exact'];
      const policy = await leastwise(['generate', '-q', '-f', EXAMPLE, ...chosen]);
      const rbac = await written(policy.stdout);
      const words = ['explain', `user:${user}`, '-f', EXAMPLE, '--rbac', rbac, '-o', 'json'];
      const { holds } = JSON.parse((await leastwise(words)).stdout) as {
        holds: { isDefault: boolean; rules: { used: number; unused: []; usedInPart: []; more: number }[] }[];
      };
      const rules = holds.filter(({ isDefault }) => !isDefault).flatMap((binding) => binding.rules);
      expect(rules.length).toBeGreaterThan(3);
      for (const rule of rules) {
        expect(rule).toMatchObject({ unused: [], usedInPart: [], more: 0 });
        expect(rule.used).toBeGreaterThan(0);
      }
    }
  });

  test('says which binding that was named binds the subject no more, but not of members of a group', async () => {
    const flags = ['--rbac', await written(RBAC.replace('name: ci-bot', 'name: other'))];
    const gone = 'for 11 permissions, last 2026-11-21; it binds the subject no more\n';
    expect((await leastwise([...CI_BOT, ...flags])).stdout).toContain(gone);
    const group = ['explain', 'group:system:serviceaccounts:alpha-pay', '-f', EXAMPLE];
    const { stdout } = await leastwise([...group, '--group-by', 'membership', ...flags]);
    expect(stdout).toContain('for 11 permissions, last 2026-11-21\n');
    expect(stdout).not.toContain('no more');
    expect(stdout).toContain('in namespace alpha-pay, by its own name; never named\n');
  });

  test('knows what it holds through a group that the API server named', async () => {
    const allowed = reason(
      'allow',
      'RBAC: allowed by RoleBinding "team/ns1" of ClusterRole "deployer" to Group "team"',
    );
    const rbac = RBAC.replace('name: deployers, namespace: alpha-pay', 'name: team, namespace: ns1');
    const path = await written(rbac.replace('"system:serviceaccounts:alpha-pay"', 'team'));
    const { stdout } = await explained(event('alice', 'list pods', allowed), 'user:alice', '--rbac', path);
    expect(stdout).toContain('in namespace ns1, by group team; named for 1 permission, last 2026-01-01\n');
  });

  test('says what it holds nevertheless', async () => {
    const rbac = await written(RBAC);
    const { code, stdout } = await explained(asked('bob', 'list pods'), 'alpha-pay:idle', '--rbac', rbac);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'ServiceAccount alpha-pay/idle in cluster default\n  nothing was observed of it\n',
    );
    expect(stdout).toContain('    never used: get services\n');
    expect(stdout).toContain('  never named: not proven unused; ');
    expect(stdout).not.toContain('alpha-ci-admin');
  });
});
