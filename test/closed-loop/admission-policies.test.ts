import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { type ControlPlane, type KubeClient, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from './living/api.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const FOLDER = fileURLToPath(new URL('../../deploy/policies/admission/', import.meta.url));
const run = promisify(execFile);
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const EXEMPTIONS = '/api/v1/namespaces/kube-system/configmaps/leastwise-rbac-exemptions';

type Json = Record<string, unknown>;

const EVERYTHING = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const PODS = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
const ALICE = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' };
const BOB = { ...ALICE, name: 'bob' };

function role(kind: 'Role' | 'ClusterRole', name: string, ...rules: Json[]): Json {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, rules };
}

function binding(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  name: string,
  to: string,
  ...subjects: Json[]
): Json {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: to };
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, roleRef, subjects };
}

/** The path of a kind of RBAC objects, of those in a namespace where they are in one. */
function pathOf({ kind }: Json, namespace = 'shop'): string {
  const plural = `${String(kind).toLowerCase()}s`;
  return plural.startsWith('cluster') ? `${RBAC}/${plural}` : `${RBAC}/namespaces/${namespace}/${plural}`;
}

describe.skipIf(!binaries)('admission policies on a real API server', () => {
  let dir = '';
  let plane: ControlPlane | undefined;

  function running(): ControlPlane {
    if (!plane) throw new Error('not started');
    return plane;
  }

  /** `''` where it was taken, else why it was not. */
  async function answer(
    method: string,
    path: string,
    body: unknown,
    { client = running().admin, type = 'application/json' }: { client?: KubeClient; type?: string } = {},
  ): Promise<string> {
    const { status, text } = await client.send({ method, path, body, headers: { 'content-type': type } });
    return status < 300 ? '' : `${String(status)} ${text}`;
  }

  async function create(object: Json, namespace?: string, client?: KubeClient): Promise<string> {
    return await answer('POST', pathOf(object, namespace), object, client === undefined ? {} : { client });
  }

  async function patch(object: Json, change: Json): Promise<string> {
    const { name } = object['metadata'] as { readonly name: string };
    return await answer('PATCH', `${pathOf(object)}/${name}`, change, {
      type: 'application/merge-patch+json',
    });
  }

  async function allow(...objects: string[]): Promise<void> {
    const change = { data: { exempt: `${objects.join('\n')}\n` } };
    const type = 'application/merge-patch+json';
    expect(await answer('PATCH', EXEMPTIONS, change, { type })).toBe('');
  }

  const OLD_ROLE = role('ClusterRole', 'old', EVERYTHING, PODS);
  const OLD_BINDING = binding('ClusterRoleBinding', 'old', 'cluster-admin', ALICE, BOB);

  beforeAll(async () => {
    if (!binaries) return;
    dir = await mkdtemp(join(tmpdir(), 'leastwise-admission-'));
    const users = [
      { token: 'server-token', name: 'system:apiserver', groups: ['system:masters'] },
      // The name alone is no proof; this one may do everything by a binding.
      { token: 'liar-token', name: 'system:apiserver', groups: ['liars'] },
    ];
    plane = await startControlPlane({ dir, apiServer: binaries.apiServer, users });
    for (const name of ['shop', 'lab']) {
      const labels = name === 'lab' ? { 'leastwise.dev/rbac-exempt': 'true' } : {};
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
      expect(await answer('POST', '/api/v1/namespaces', namespace)).toBe('');
    }
    const liars = { ...ALICE, kind: 'Group', name: 'liars' };
    // What was there before the policies.
    for (const each of [
      OLD_ROLE,
      OLD_BINDING,
      binding('ClusterRoleBinding', 'liars', 'cluster-admin', liars),
    ])
      expect(await create(each)).toBe('');
    const env = { HOME: dir, KUBECONFIG: await plane.kubeconfig('admin', 'admin-token') };
    await run(binaries.kubectl, ['apply', '-k', FOLDER], { env });
    // A policy holds a moment after it was made.
    await until('both policies hold', async () => {
      const tries = [role('Role', 'try', EVERYTHING), binding('RoleBinding', 'try', 'cluster-admin', ALICE)];
      const answers = await Promise.all(
        tries.map((each) => create({ ...each, metadata: { generateName: 't-' } })),
      );
      return answers.every((each) => each.startsWith('403'));
    });
  });

  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test('a role with the verb * is refused, with the reason', async () => {
    for (const kind of ['Role', 'ClusterRole'] as const) {
      const said = await create(role(kind, 'wide', PODS, { ...PODS, verbs: ['get', '*'] }));
      expect(said).toMatch(/^403 /);
      expect(said).toContain(
        `${kind === 'Role' ? 'Role/shop/wide' : 'ClusterRole/wide'} has a rule with the verb`,
      );
    }
    const urls = { nonResourceURLs: ['/metrics'], verbs: ['*'] };
    expect(await create(role('ClusterRole', 'urls', urls))).toMatch(/^403 /);
  });

  test('a good role is taken, and cannot be made wide afterwards', async () => {
    const good = role('Role', 'good', PODS);
    expect(await create(good)).toBe('');
    expect(await patch(good, { rules: [PODS, EVERYTHING] })).toMatch(/^403 /);
    expect(await patch(good, { rules: [{ ...PODS, verbs: ['*'] }] })).toMatch(/^403 /);
    expect(await patch(good, { rules: [PODS, { ...PODS, verbs: ['watch'] }] })).toBe('');
    expect(await create(role('ClusterRole', 'empty'))).toBe('');
    expect(await create({ ...role('Role', 'nothing'), rules: null })).toBe('');
    expect(await patch(role('Role', 'nothing'), { rules: [EVERYTHING] })).toMatch(/^403 /);
  });

  test('an old wide role can be labelled and narrowed, not widened', async () => {
    expect(await patch(OLD_ROLE, { metadata: { labels: { team: 'shop' } } })).toBe('');
    expect(await patch(OLD_ROLE, { rules: [EVERYTHING] })).toBe('');
    expect(await patch(OLD_ROLE, { rules: [EVERYTHING, { ...EVERYTHING, apiGroups: ['apps'] }] })).toMatch(
      /^403 /,
    );
    expect(await answer('DELETE', `${RBAC}/clusterroles/old`, undefined)).toBe('');
  });

  test('a binding to cluster-admin is refused, in a namespace too', async () => {
    for (const kind of ['RoleBinding', 'ClusterRoleBinding'] as const) {
      const said = await create(binding(kind, 'admins', 'cluster-admin', ALICE));
      expect(said).toMatch(/^403 /);
      expect(said).toContain('binds ClusterRole/cluster-admin');
      expect(await create(binding(kind, 'nobody', 'cluster-admin'))).toMatch(/^403 /);
    }
  });

  test('other bindings are taken, that of a Role called cluster-admin too', async () => {
    expect(await create(binding('RoleBinding', 'viewers', 'view', ALICE))).toBe('');
    expect(await create(binding('ClusterRoleBinding', 'viewers', 'view', ALICE))).toBe('');
    const named = binding('RoleBinding', 'named', 'cluster-admin', ALICE);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'cluster-admin' };
    expect(await create({ ...named, roleRef })).toBe('');
  });

  test('an old binding can lose subjects, and gets no new ones', async () => {
    expect(await patch(OLD_BINDING, { metadata: { labels: { team: 'shop' } } })).toBe('');
    expect(await patch(OLD_BINDING, { subjects: [ALICE] })).toBe('');
    expect(await patch(OLD_BINDING, { subjects: [ALICE, BOB] })).toMatch(/^403 /);
    expect(await patch(OLD_BINDING, { subjects: [] })).toBe('');
    expect(await answer('DELETE', `${RBAC}/clusterrolebindings/old`, undefined)).toBe('');
  });

  test('the API server itself is let pass, and who only has its name is not', async () => {
    const server = running().client('server-token');
    const liar = running().client('liar-token');
    expect(await create(role('ClusterRole', 'system:wide', EVERYTHING), '', liar)).toMatch(
      /^403 .*has a rule/,
    );
    expect(await create(role('ClusterRole', 'system:wide', EVERYTHING), '', server)).toBe('');
    const admins = binding('ClusterRoleBinding', 'system:admins', 'cluster-admin', ALICE);
    expect(await create(admins, '', liar)).toMatch(/^403 .*binds ClusterRole/);
    expect(await create(admins, '', server)).toBe('');
  });

  test('the default roles and bindings are there', async () => {
    for (const path of [
      'clusterroles/cluster-admin',
      'clusterrolebindings/cluster-admin',
      'clusterroles/admin',
    ])
      expect(await answer('GET', `${RBAC}/${path}`, undefined)).toBe('');
  });

  test('what copies the rules of aggregated roles is let pass', async () => {
    const aggregated = {
      ...role('ClusterRole', 'aggregated'),
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    };
    expect(await create(aggregated)).toBe('');
    expect(await patch(aggregated, { rules: [EVERYTHING] })).toMatch(/^403 /);
    const headers = {
      'content-type': 'application/merge-patch+json',
      'impersonate-user': 'system:serviceaccount:kube-system:clusterrole-aggregation-controller',
      'impersonate-group': 'system:masters',
    };
    const path = `${RBAC}/clusterroles/aggregated`;
    const { status } = await running().admin.send({
      method: 'PATCH',
      path,
      body: { rules: [EVERYTHING] },
      headers,
    });
    expect(status).toBe(200);
  });

  test('an exempt namespace is let pass, what is in no namespace is not', async () => {
    expect(await create(role('Role', 'wide', EVERYTHING), 'lab')).toBe('');
    expect(await create(binding('RoleBinding', 'admins', 'cluster-admin', ALICE), 'lab')).toBe('');
    const namespace = { name: 'wide', namespace: 'lab' };
    expect(await create({ ...role('ClusterRole', 'wide', EVERYTHING), metadata: namespace })).not.toBe('');
  });

  test('named objects are let pass, and those alone', async () => {
    await allow('ClusterRole/known', '  RoleBinding/shop/known  ', '');
    await until(
      'the exemption holds',
      async () => (await create(role('ClusterRole', 'known', EVERYTHING))) === '',
    );
    expect(await create(binding('RoleBinding', 'known', 'cluster-admin', ALICE))).toBe('');
    expect(await create(role('Role', 'known', EVERYTHING))).toMatch(/^403 /);
    expect(await create(binding('ClusterRoleBinding', 'known', 'cluster-admin', ALICE))).toMatch(/^403 /);
    expect(await create(role('ClusterRole', 'known-too', EVERYTHING))).toMatch(/^403 /);
  });

  test('without the ConfigMap all is refused, rather than nothing', async () => {
    expect(await answer('DELETE', EXEMPTIONS, undefined)).toBe('');
    const late = [role('Role', 'late', PODS), binding('RoleBinding', 'late', 'view', ALICE)];
    await until('its absence is known', async () => {
      const answers = await Promise.all(late.map((each) => create(each)));
      return answers.every((each) => each.includes('no params found'));
    });
  });
});
