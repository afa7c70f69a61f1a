import { describe, expect, test } from 'vitest';

import { renderViolationIssue, type ViolationReport } from './violation-issue.ts';

const REPORT: ViolationReport = {
  cluster: 'prod-eu',
  name: 'r009-ci-admin-0123456789abcdef',
  rule: 'R009',
  severity: 'CRITICAL',
  title: 'A role that is too wide is bound',
  message: 'ClusterRole cluster-admin is bound to ServiceAccount ci/deployer',
  remedy: 'Bind a role that names what is needed.',
  object: { kind: 'ClusterRoleBinding', name: 'ci-admin' },
  manifest: '{\n  "kind": "ClusterRoleBinding"\n}',
  grants: ['ClusterRoleBinding ci-admin → ClusterRole cluster-admin, rule 0: all verbs on all resources'],
  moreGrants: 2,
  owners: ['@acme/sre', 'team: ops'],
};
const LIMITS = { title: 255, body: 60_000 };

describe('the issue of a violation', () => {
  test('says what is wrong, with what, how, what to do, and who', () => {
    const { title, body } = renderViolationIssue(REPORT, LIMITS);
    expect(title).toBe(
      'CRITICAL: A role that is too wide is bound (R009) by ClusterRoleBinding-ci-admin in prod-eu',
    );
    expect(body).toMatchInlineSnapshot(`
      "**CRITICAL** · rule \`R009\` · \`ClusterRoleBinding ci-admin\` · cluster \`prod-eu\`

      ClusterRole cluster-admin is bound to ServiceAccount \`ci/deployer\`

      **What to do:** Bind a role that names what is needed.

      **Who:** @acme/sre, \`team: ops\`

      \`\`\`diff
      - {
      -   "kind": "ClusterRoleBinding"
      - }
      \`\`\`

      ### How it is granted

      - \`ClusterRoleBinding ci-admin → ClusterRole cluster-admin, rule 0: all verbs on all resources\`

      and 2 more ways

      ---

      \`kubectl get rbacviolation r009-ci-admin-0123456789abcdef -o yaml\`. This issue is closed when the violation is gone, or when somebody takes responsibility for it by a suppression with an owner and an end date."
    `);
  });

  test('has a namespace in the name of its object, and no manifest where none is known', () => {
    const object = { kind: 'RoleBinding', namespace: 'shop', name: 'ci' };
    const { body } = renderViolationIssue(
      { ...REPORT, object, manifest: undefined, grants: [], owners: [] },
      LIMITS,
    );
    expect(body).toContain('`RoleBinding shop/ci`');
    expect(body).not.toContain('```');
    expect(body).not.toContain('granted\n');
  });

  test('fits, and says that it was shortened', () => {
    const grants = Array.from({ length: 500 }, (_, i) => `grant ${String(i)} ${'x'.repeat(300)}`);
    const { title, body } = renderViolationIssue({ ...REPORT, grants }, { title: 40, body: 5000 });
    expect(Buffer.byteLength(title)).toBeLessThanOrEqual(40);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(5000);
    expect(body).toContain('Shortened to fit');
  });

  test('a name cannot break out of a fence, a code span or a line', () => {
    const evil = '```\n# head\n<script>@everyone\u202e';
    const { body } = renderViolationIssue(
      {
        ...REPORT,
        manifest: evil,
        message: evil,
        grants: [evil],
        object: { kind: 'Role', name: evil },
        owners: [evil],
      },
      LIMITS,
    );
    expect(body).not.toMatch(/^# head/m);
    expect(body).not.toContain('\u202e');
    expect(body).toContain('````diff');
  });
});
