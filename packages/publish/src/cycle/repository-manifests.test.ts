import type { RbacObject } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { RepositoryManifests } from './repository-manifests.ts';

const API = 'rbac.authorization.k8s.io/v1';

function text(name: string, kind = 'ClusterRoleBinding'): string {
  return `apiVersion: ${API}\nkind: ${kind}\nmetadata:\n  name: ${name}\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: view\nsubjects: []\n`;
}

const X: RbacObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'x' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [],
};
const Y: RbacObject = { ...X, metadata: { name: 'y' } };

function open(files: Readonly<Record<string, string>>): RepositoryManifests {
  return new RepositoryManifests(new Map(Object.entries(files)));
}

describe('a document of a file', () => {
  test.each([
    ['the first', `${text('x')}---\n${text('y')}`, `---\n${text('y')}`],
    ['the last', `${text('y')}---\n${text('x')}`, text('y')],
    [
      'one in the middle',
      `${text('y')}--- # old\n${text('x')}---\n${text('z')}`,
      `${text('y')}---\n${text('z')}`,
    ],
    [
      'one after a comment of all',
      `# Ours.\n---\n${text('x')}---\n${text('y')}`,
      `# Ours.\n---\n${text('y')}`,
    ],
    [
      'one beside a deployment',
      `${text('x')}---\napiVersion: apps/v1\nkind: Deployment\n`,
      '---\napiVersion: apps/v1\nkind: Deployment\n',
    ],
  ])('%s is cut out, and nothing else', (_, content, rest) => {
    const manifests = open({ 'a.yaml': content });
    expect(manifests.find(X)).toEqual({ path: 'a.yaml', canBeRemoved: true });
    expect(manifests.remove('a.yaml', [X])).toEqual({ action: 'write', path: 'a.yaml', content: rest });
  });

  test('several are cut out at once; with all of them the file goes', () => {
    const manifests = open({ 'a.yaml': `# Ours.\n${text('x')}---\n${text('y')}` });
    expect(manifests.remove('a.yaml', [X, Y])).toEqual({ action: 'delete', path: 'a.yaml' });
  });

  test.each([
    [
      'an item of a list',
      `apiVersion: v1\nkind: List\nitems:\n- ${text('x').replaceAll('\n', '\n  ').trimEnd()}\n- ${text('y').replaceAll('\n', '\n  ').trimEnd()}\n`,
    ],
    ['there twice', `${text('x')}---\n${text('x')}`],
    ['in a template', `${text('x')}---\nkind: {{ .Values.kind }}\n`],
    ['under a directive', `%YAML 1.2\n---\n${text('x')}---\n${text('y')}`],
    ['before the end of a document', `${text('x')}...\n---\n${text('y')}`],
    [
      'beside something that cannot be read',
      `${text('x')}---\n${text('y').replace('kind: ClusterRole\n', 'kind: Wrong\n')}`,
    ],
  ])('one that is %s is named and not cut', (_, content) => {
    expect(open({ 'a.yaml': content }).find(X)).toEqual({ path: 'a.yaml', canBeRemoved: false });
  });

  test('what looks like a separator within a text is none', () => {
    const note = `apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    ---\n    ${text('x').replaceAll('\n', '\n    ').trimEnd()}\n`;
    const manifests = open({ 'a.yaml': `${note}---\n${text('x')}` });
    expect(manifests.remove('a.yaml', [X])).toEqual({ action: 'write', path: 'a.yaml', content: note });
  });
});

describe('a file', () => {
  test('in two files there is no telling which one is in force', () => {
    expect(open({ 'a.yaml': text('x'), 'b.yaml': text('x') }).find(X)).toEqual({
      path: 'a.yaml',
      canBeRemoved: false,
    });
  });

  test.each(['a.yaml', '../old/a.yaml', './a.yaml'])('that a kustomization lists as %s stays', (listed) => {
    const list = `resources:\n- ${listed}\n`;
    expect(open({ 'old/a.yaml': text('x'), 'base/kustomization.yml': list }).find(X)?.canBeRemoved).toBe(
      false,
    );
  });

  test('that is ours, of another kind, or of another object is not found', () => {
    const manifests = open({
      'clusters/prod/cluster/user-a/rbac.yaml': text('x'),
      'a.txt': text('x'),
      'b.yaml': text('x', 'RoleBinding'),
      'c.yaml': text('y'),
    });
    expect(manifests.find(X)).toBeUndefined();
    expect(manifests.isCut).toBe(false);
  });

  test('that is too large is not looked into, and that is told', () => {
    const manifests = open({ 'a.yaml': `${text('x')}# ${'x'.repeat(1_048_576)}\n` });
    expect([manifests.find(X), manifests.isCut]).toEqual([undefined, true]);
  });
});
