import { describe, expect, test } from 'vitest';

import { binding, clusterBinding, clusterRole, findingsOf, role } from './testing/objects.ts';
import { granted } from './testing/cases.ts';

const RBAC = 'rbac.authorization.k8s.io';

function checks(where: 'C' | 'P' | 'N', rules: readonly string[]): readonly string[] {
  return [...new Set(findingsOf(granted(where, rules)).map(({ check }) => check))].sort();
}

/** Each is a case that a well-known tool gets wrong. */
describe('what other tools miss, or tell in error', () => {
  test('rbac-police looks for bind on rolebindings; the server asks for it on roles and clusterroles', () => {
    expect(checks('C', [`bind ${RBAC} rolebindings`])).not.toContain('R041');
    expect(checks('C', [`bind ${RBAC} clusterroles`])).toContain('R041');
    expect(checks('N', [`bind ${RBAC} clusterroles`])).toContain('R041');
  });

  test('Trivy 0050 leaves out clusterroles', () => {
    expect(checks('C', [`escalate ${RBAC} clusterroles`])).toContain('R040');
    expect(checks('C', [`bind ${RBAC} clusterroles`])).toContain('R041');
  });

  test('Trivy 0051 and 0052 need the name * and the rules in one order', () => {
    const rules = [`bind ${RBAC} clusterroles`, `create ${RBAC} clusterrolebindings`];
    expect(checks('C', rules)).toContain('R042');
    expect(checks('C', rules.toReversed())).toContain('R042');
    expect(checks('C', [`bind ${RBAC} clusterroles *`, `create ${RBAC} clusterrolebindings`])).toContain(
      'R090',
    );
  });

  test('Trivy 0043, 0054 and 0055 need the group *', () => {
    expect(checks('C', ['impersonate core users'])).toContain('R045');
    expect(checks('C', ['create core pods/attach'])).toContain('R052');
    expect(checks('C', [`create ${RBAC} rolebindings`])).toContain('R043');
  });

  test('Trivy 0115 misses rules without names, which hold aws-auth too', () => {
    expect(checks('C', ['update core configmaps'])).toContain('R033');
    expect(checks('P', ['update core configmaps aws-auth'])).toContain('R033');
  });

  test('Trivy 0047 misses the verb * on nodes/proxy, and KubiScan needs get and create', () => {
    expect(checks('C', ['* core nodes/proxy'])).toContain('R056');
    expect(checks('C', ['get core nodes/proxy'])).toContain('R056');
    expect(checks('C', ['create core nodes/proxy'])).toContain('R056');
  });

  test('KubiScan knows a role by its name only, whatever its kind and namespace', () => {
    const objects = [
      role('shop', 'reader', ['get core secrets']),
      role('store', 'reader', ['get core pods']),
      clusterRole('reader', ['get core pods']),
      binding('shop/b', 'Role reader', ['User alice']),
      binding('store/b', 'Role reader', ['User bob']),
      clusterBinding('c', 'reader', ['User carol']),
    ];
    expect(findingsOf(objects).map(({ check, subject }) => `${check} ${subject?.name}`)).toEqual([
      'R030 alice',
    ]);
  });

  test('KubiScan compares texts, and misses *', () => {
    expect(checks('C', ['* core secrets'])).toContain('R030');
    expect(checks('C', ['get * *'])).toEqual(expect.arrayContaining(['R030', 'R056']));
  });

  test('rbac-tool takes the group "" for core, so that its rules on exec, nodes/proxy and ephemeral containers match * only', () => {
    expect(checks('C', ['create core pods/exec'])).toContain('R052');
    expect(checks('C', ['get core nodes/proxy'])).toContain('R056');
    expect(checks('C', ['patch core pods/ephemeralcontainers'])).toContain('R053');
  });

  test('rbac-tool leaves out the group apps', () => {
    expect(checks('C', ['create apps deployments'])).toContain('R050');
    expect(checks('C', ['create core deployments'])).not.toContain('R050');
  });

  test('Kubescape looks for pods/*, which RBAC never honours', () => {
    expect(checks('C', ['create core pods/*'])).toEqual(['R090']);
  });

  test('Kyverno compares names of subjects without their kind', () => {
    const bound = (subject: string): readonly string[] =>
      findingsOf([clusterRole('r', ['get core pods']), clusterBinding('b', 'r', [subject])]).map(
        ({ check }) => check,
      );
    expect(bound('Group system:masters')).toEqual(['R010']);
    expect(bound('User system:masters')).toEqual([]);
    expect(bound('User system:anonymous')).toEqual(['R011']);
    expect(bound('Group system:anonymous')).toEqual([]);
  });

  test('Audicia and others leave out what a group grants to its members', () => {
    const objects = [
      clusterRole('r', ['get core secrets']),
      clusterBinding('b', 'r', ['Group system:serviceaccounts']),
    ];
    expect(findingsOf(objects).map(({ check }) => check)).toEqual(['R030', 'R013']);
  });
});
