import { describe, expect, test } from 'vitest';

import {
  type BindingOrigin,
  renderRetirementIssue,
  type RetirableBinding,
  type RetirementReport,
} from './retirement.ts';
import { serviceAccount } from './testing/reports.ts';

const LIMITS = { title: 256, body: 65_536 };

function binding(fields: Partial<RetirableBinding> = {}): RetirableBinding {
  return {
    kind: 'RoleBinding',
    namespace: 'shop',
    name: 'app-edit',
    role: { kind: 'ClusterRole', name: 'edit' },
    subjects: [serviceAccount('shop', 'app')],
    isSharedWithOthers: false,
    excess: 212,
    origin: { by: 'kubectl' },
    ...fields,
  };
}

const REPORT: RetirementReport = {
  cluster: 'prod-eu',
  group: 'team-shop',
  bindings: [
    binding(),
    binding({ name: 'ops', isSharedWithOthers: true, excess: 1, origin: { by: 'unknown' } }),
    binding({
      kind: 'ClusterRoleBinding',
      namespace: '',
      name: 'app-view',
      origin: { by: 'helm', release: 'app', namespace: 'shop' },
    }),
    binding({ name: 'in-git', origin: { by: 'file', path: 'apps/shop/rbac.yaml' } }),
  ],
  links: {
    base: 'https://forge.example/o/r/src/branch/main/',
    branch: 'https://forge.example/o/r/src/branch/x/',
  },
};

function bodyOf(...bindings: RetirableBinding[]): string {
  return renderRetirementIssue({ ...REPORT, bindings }, LIMITS).body;
}

describe('renderRetirementIssue', () => {
  test('golden: a checklist, then where each comes from and how it goes', async () => {
    const { title, body } = renderRetirementIssue(REPORT, LIMITS);
    expect(title).toBe('Retire 4 old bindings in prod-eu for team-shop');
    await expect(`${body}\n`).toMatchFileSnapshot('testing/golden/retirement.md');
  });

  test('the order of bindings and subjects makes no difference', () => {
    const subjects = [serviceAccount('shop', 'app'), serviceAccount('shop', 'b')];
    const some = [...REPORT.bindings, binding({ name: 'z', subjects })];
    const turned = some.toReversed().map((each) => ({ ...each, subjects: each.subjects.toReversed() }));
    expect(bodyOf(...turned)).toBe(bodyOf(...some));
  });

  test.each<[BindingOrigin, string]>([
    [{ by: 'helm', release: 'r', namespace: 'n' }, 'from Helm release `r` in `n`'],
    [{ by: 'argo-cd', application: 'a' }, 'from Argo CD application `a`'],
    [{ by: 'flux', kind: 'HelmRelease', namespace: 'n', name: 'x' }, 'from Flux HelmRelease `x` in `n`'],
    [{ by: 'olm', owner: 'o' }, 'from operator `o`'],
    [
      { by: 'file', path: 'a/b.yaml' },
      'from [`a/b.yaml`](https://forge.example/o/r/src/branch/main/a/b.yaml)',
    ],
  ])('what would come back is changed where it comes from: %o', (origin, words) => {
    const body = bodyOf(binding({ origin }));
    expect(body).toContain(words);
    expect(body).not.toContain('kubectl');
  });

  test.each<[Partial<RetirableBinding>, string]>([
    [{}, 'kubectl delete --namespace=shop rolebinding app-edit'],
    [{ isSharedWithOthers: true }, 'kubectl edit --namespace=shop rolebinding app-edit'],
    [
      { kind: 'ClusterRoleBinding', namespace: '', name: 'system:x' },
      'kubectl delete clusterrolebinding system:x',
    ],
    [{ name: '-x' }, 'kubectl delete --namespace=shop rolebinding -- -x'],
    [
      { name: "a'; rm -rf $HOME `id`" },
      "kubectl delete --namespace=shop rolebinding 'a'\\''; rm -rf $HOME `id`'",
    ],
    [{ namespace: 'a b' }, "kubectl delete --namespace='a b' rolebinding app-edit"],
  ])('the command is ready to be pasted, and safe: %o', (fields, command) => {
    expect(bodyOf(binding(fields))).toContain(`\`\`\`sh\n${command}\n\`\`\``);
  });

  test('what cannot be typed has no command', () => {
    const body = bodyOf(binding({ name: 'a\nrm -rf /' }));
    expect(body).toContain('there is no command to paste');
    expect(body).not.toContain('```');
  });

  test('of many subjects ten are named', () => {
    const subjects = Array.from({ length: 12 }, (_, at) => serviceAccount('shop', `s${at}`));
    expect(bodyOf(binding({ subjects }))).toContain(', 2 more\n');
  });

  test('what does not fit is counted', () => {
    const bindings = Array.from({ length: 100 }, (_, at) => binding({ name: `b${at}` }));
    const { body } = renderRetirementIssue({ ...REPORT, bindings }, { title: 256, body: 8000 });
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(8000);
    expect(body).toContain('- [ ] `RoleBinding b99` in `shop`');
    expect(body).toMatch(/Left out here: \d+ details\./);
    expect(body).toContain('> **Shortened to fit.**');
  });
});
