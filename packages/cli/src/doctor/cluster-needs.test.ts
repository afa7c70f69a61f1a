import { readFileSync } from 'node:fs';

import { parseManifests } from '@leastwise/rbac';
import { describe, expect, test } from 'vitest';

import { auditorUse, type ClusterUse, LIVE_USE, publisherUse } from './cluster-needs.ts';
import { ConfigView } from './config-view.ts';

const file = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

/** What the roles of a manifest grant, a line for each verb of each resource. */
function granted(text: string): string[] {
  const { objects } = parseManifests(text, 'roles');
  return objects
    .flatMap((object) => {
      if (object.kind !== 'Role' && object.kind !== 'ClusterRole') return [];
      const where = object.kind === 'Role' ? (object.metadata.namespace ?? '') : '';
      return object.rules.flatMap(({ apiGroups = [], resources = [], resourceNames = [''], verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            resourceNames.flatMap((name) =>
              verbs.map((verb) => [verb, group, resource, where, name].join(' ')),
            ),
          ),
        ),
      );
    })
    .sort();
}

/** What a use needs, in the same form. */
function needed({ needs }: ClusterUse): string[] {
  return needs
    .flatMap(({ group, resource, subresource, verbs, namespace = '', name = '' }) => {
      const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
      return verbs.map((verb) => [verb, group, whole, namespace, name].join(' '));
    })
    .sort();
}

const view = (text = 'logLevel: info\n'): ConfigView => new ConfigView(text);

describe('what is asked for in a cluster is what the manifests grant', () => {
  test('to an auditor', () => {
    expect(needed(auditorUse(view()))).toEqual(granted(file('deploy/auditor/rbac.yaml')));
  });

  test('to an auditor that deletes', () => {
    const use = auditorUse(view('remediation:\n  enabled: true\n  dryRun: false\n'));
    const both = [file('deploy/auditor/rbac.yaml'), file('deploy/auditor/remediation.yaml')].flatMap(granted);
    expect(needed(use)).toEqual(both.sort());
    expect(use.remedy).toContain('remediation.yaml');
  });

  test('to a publisher, as its page says', () => {
    const page = file('docs/publisher.md');
    const yaml = /```yaml\n(?<text>apiVersion: rbac[^`]+)```/.exec(page)?.groups?.['text'] ?? '';
    expect(needed(publisherUse(view()))).toEqual(granted(yaml));
  });
});

describe('settings change what is asked for', () => {
  test('the names and namespaces of an auditor', () => {
    const use = auditorUse(
      view('lease:\n  enabled: true\n  namespace: n1\n  name: l\npolicy:\n  namespace: n2\n  name: p\n'),
    );
    expect(needed(use)).toEqual(
      expect.arrayContaining(['get coordination.k8s.io leases n1 l', 'watch  configmaps n2 p']),
    );
    expect(use.parts.map(({ remedy }) => remedy)).toContain('kubectl create namespace n1');
    const without = auditorUse(view('lease:\n  enabled: false\n'));
    expect(needed(without).filter((each) => each.includes('leases'))).toEqual([]);
    expect(without.parts).toHaveLength(1);
  });

  test('whether an auditor deletes, and what', () => {
    const deleting = 'remediation:\n  enabled: true\n  dryRun: false\n  clusterRoleBindings: true\n';
    const of = (text: string): string[] =>
      needed(auditorUse(view(text))).filter((each) => /^delete rbac.authorization/.test(each));
    expect(of(deleting)).toHaveLength(2);
    expect(of('remediation:\n  enabled: true\n  dryRun: true\n')).toEqual([]);
  });

  test('where a publisher keeps the reports of users', () => {
    const { parts } = publisherUse(view('policyReports:\n  namespace: "a;b"\n'));
    expect(parts.at(-1)).toEqual({
      what: 'namespace a;b',
      path: '/api/v1/namespaces/a%3Bb',
      remedy: "kubectl create namespace 'a;b'",
    });
  });

  test('a live reading takes list, and no more', () => {
    expect(new Set(LIVE_USE.needs.flatMap(({ verbs }) => verbs))).toEqual(new Set(['list']));
  });
});
