import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { isGenerated } from './generated.ts';
import { InvariantError } from './invariant-error.ts';
import { renderRepository } from './render-repository.ts';
import type { ClusterPolicies, SubjectPolicy } from './render-repository.ts';
import { bindingToClusterRole, clusterRole, grant, RULES } from './testing/objects.ts';
import { HAS_KUBECTL, kubectl, readYaml } from './testing/read-yaml.ts';

const APP: SubjectPolicy = {
  subject: { kind: 'ServiceAccount', namespace: 'shop', name: 'app' },
  objects: [
    ...grant('suggested-shop-app', 'shop', RULES),
    ...grant('suggested-shop-app', 'web', RULES.slice(1)),
    ...grant('suggested-shop-app', undefined, [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }]),
  ],
  notes: () => ['Withheld: impersonate users'],
};
const ALICE: SubjectPolicy = {
  subject: { kind: 'User', namespace: '', name: 'Alice@Example.com\nkind: Evil' },
  objects: [
    clusterRole('suggested-alice-role', RULES),
    bindingToClusterRole('suggested-alice-binding', 'web', 'suggested-alice-role'),
    bindingToClusterRole('suggested-alice-binding', 'github.com', 'suggested-alice-role'),
  ],
  notes: () => [],
};
const CLUSTERS: readonly ClusterPolicies[] = [
  { cluster: 'prod', policies: [APP, ALICE] },
  { cluster: 'Test 2', policies: [ALICE] },
];

describe('renderRepository', () => {
  const files = renderRepository(CLUSTERS);

  test('golden: one folder a subject, a kustomization at every level', async () => {
    await expect(`${[...files.keys()].join('\n')}\n`).toMatchFileSnapshot('../testdata/repository.txt');
    for (const [path, content] of files) {
      if (path.startsWith('clusters/prod/')) {
        await expect(content).toMatchFileSnapshot(`../testdata/repository/${path}`);
      }
    }
  });

  test('the order of clusters, policies and objects makes no difference', () => {
    const reversed = CLUSTERS.toReversed().map(({ cluster, policies }) => ({
      cluster,
      policies: policies.toReversed().map((policy) => ({ ...policy, objects: policy.objects.toReversed() })),
    }));
    expect([...renderRepository(reversed)]).toEqual([...files]);
  });

  test('each kustomization lists exactly what stands in its folder, relative and sorted', () => {
    for (const [path, content] of files) {
      if (!path.endsWith('/kustomization.yaml')) continue;
      const folder = dirname(path);
      const inside = [...files.keys()]
        .filter((other) => other.startsWith(`${folder}/`) && other !== path)
        .map((other) => other.slice(folder.length + 1).split('/', 1)[0]);
      expect(readYaml(content)[0]).toEqual({
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        resources: [...new Set(inside)].sort(),
      });
    }
    for (const path of files.keys()) expect(files.has(join(dirname(path), 'kustomization.yaml'))).toBe(true);
  });

  test('every object stands in exactly one file, in its namespace', () => {
    const found = [...files].flatMap(([path, content]) =>
      path.endsWith('rbac.yaml') ? readYaml(content) : [],
    );
    const objects = CLUSTERS.flatMap(({ policies }) => policies).flatMap((policy) => policy.objects);
    expect(found).toHaveLength(objects.length);
    expect(found).toEqual(expect.arrayContaining([...objects]));
  });

  test('nothing granted, no file: kustomize refuses an empty kustomization', () => {
    expect(renderRepository([{ cluster: 'a', policies: [] }]).size).toBe(0);
    expect(renderRepository([{ cluster: 'a', policies: [{ ...APP, objects: [] }] }]).size).toBe(0);
  });

  const orphan = { ...bindingToClusterRole('b', 'x', 'r'), metadata: { name: 'b' } };
  test.each([
    ['two objects of one name, of two subjects', [APP, { ...ALICE, objects: APP.objects.slice(0, 1) }]],
    ['one subject twice', [APP, { ...APP, objects: grant('other', 'shop', RULES) }]],
    ['a RoleBinding without namespace', [{ ...ALICE, objects: [orphan] }]],
  ])('refuses %s', (_, policies) => {
    expect(() => renderRepository([{ cluster: 'a', policies }])).toThrow(InvariantError);
  });

  test('refuses one cluster twice', () => {
    const [prod] = CLUSTERS;
    if (prod === undefined) throw new Error('no cluster');
    expect(() => renderRepository([prod, prod])).toThrow(InvariantError);
  });

  test.skipIf(!HAS_KUBECTL)('kustomize builds every level, offline, and finds every object', () => {
    const root = mkdtempSync(join(tmpdir(), 'leastwise-render-'));
    try {
      for (const [path, content] of files) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
      for (const path of files.keys()) {
        if (!path.endsWith('/kustomization.yaml')) continue;
        const folder = dirname(path);
        const built = kubectl('kustomize', join(root, folder));
        const below = [...files].filter(
          ([other]) => other.startsWith(`${folder}/`) && other.endsWith('rbac.yaml'),
        );
        const objects = below.flatMap(([, content]) => readYaml(content));
        const found = readYaml(built);
        expect(found).toHaveLength(objects.length);
        expect(found).toEqual(expect.arrayContaining(objects));
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('isGenerated', () => {
  const files = renderRepository(CLUSTERS);

  test('knows every file that we generate, also after a checkout with CRLF', () => {
    for (const [path, content] of files) {
      expect(isGenerated(path, content)).toBe(true);
      expect(isGenerated(path, content.replaceAll('\n', '\r\n'))).toBe(true);
    }
  });

  test.each([
    'leastwise.yaml',
    'clusters/prod/own.yaml',
    'clusters/prod/namespaces/web/app/rbac.yaml',
    'clusters/prod/namespaces/web/user-a/own.yaml',
    'clusters/prod/namespaces/web/user-a/deep/rbac.yaml',
    'clusters/prod/other/kustomization.yaml',
    'other/clusters/prod/kustomization.yaml',
    'reports/prod/compliance.md',
  ])('leaves alone what stands elsewhere, whatever it says: %s', (path) => {
    for (const content of files.values()) expect(isGenerated(path, content)).toBe(false);
  });

  test('leaves alone what a person wrote, or took over by removing the first line', () => {
    for (const [path, content] of files) {
      expect(isGenerated(path, '')).toBe(false);
      expect(isGenerated(path, content.slice(content.indexOf('\n') + 1))).toBe(false);
      expect(isGenerated(path, ` ${content}`)).toBe(false);
    }
  });
});
