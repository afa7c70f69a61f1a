import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { RbacObject } from '@leastwise/rbac';

import { renderJson } from './render-json.ts';
import { renderYaml } from './render-yaml.ts';
import { clusterRole, grant, HOSTILE_TEXTS, RULES } from './testing/objects.ts';
import { HAS_KUBECTL, kubectl, readYaml } from './testing/read-yaml.ts';

const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }), fc.string());
const texts = fc.array(text, { maxLength: 4 });
const map = fc.dictionary(text, text, { maxKeys: 4 });
const optional = { requiredKeys: [] };
const meta = fc.record(
  { name: text, namespace: text, labels: map, annotations: map },
  { requiredKeys: ['name'] },
);
const rule = fc.record(
  { apiGroups: texts, resources: texts, resourceNames: texts, nonResourceURLs: texts, verbs: texts },
  { requiredKeys: ['verbs'] },
);
const selector = fc.record(
  {
    matchLabels: map,
    matchExpressions: fc.array(
      fc.record(
        { key: text, operator: fc.constantFrom('In', 'Exists'), values: texts },
        { requiredKeys: ['key', 'operator'] },
      ),
      { maxLength: 2 },
    ),
  },
  optional,
);
const apiVersion = fc.constant('rbac.authorization.k8s.io/v1' as const);
const rules = fc.array(rule, { maxLength: 3 });
const object: fc.Arbitrary<RbacObject> = fc.oneof(
  fc.record({ apiVersion, kind: fc.constant('Role' as const), metadata: meta, rules }),
  fc.record(
    {
      apiVersion,
      kind: fc.constant('ClusterRole' as const),
      metadata: meta,
      rules,
      aggregationRule: fc.record({ clusterRoleSelectors: fc.array(selector, { maxLength: 2 }) }, optional),
    },
    { requiredKeys: ['apiVersion', 'kind', 'metadata', 'rules'] },
  ),
  fc.record({
    apiVersion,
    kind: fc.constantFrom('RoleBinding' as const, 'ClusterRoleBinding' as const),
    metadata: meta,
    roleRef: fc.record({
      apiGroup: text,
      kind: fc.constantFrom('Role' as const, 'ClusterRole' as const),
      name: text,
    }),
    subjects: fc.array(
      fc.record(
        {
          apiGroup: text,
          kind: fc.constantFrom('User' as const, 'ServiceAccount' as const),
          name: text,
          namespace: text,
        },
        { requiredKeys: ['kind', 'name'] },
      ),
      { maxLength: 2 },
    ),
  }),
);

/** `__proto__` as an own key is data, here as there. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('what is rendered reads back as it was, by YAML 1.1 and 1.2', () => {
  test.each(HOSTILE_TEXTS)('hostile text %j', (hostile) => {
    const role = clusterRole('a', [{ verbs: [hostile] }]);
    const comments = { header: [hostile], object: () => [hostile], rule: () => [hostile, hostile] };
    for (const yaml of [renderYaml([role, role]), renderYaml([role, role], { comments })]) {
      expect(readYaml(yaml, '1.1')).toEqual([role, role]);
      expect(readYaml(yaml, '1.2')).toEqual([role, role]);
    }
  });

  test('any objects, with any comments', () => {
    fc.assert(
      fc.property(
        fc.array(object, { minLength: 1, maxLength: 4 }),
        texts,
        texts,
        (objects, header, lines) => {
          const yaml = renderYaml(objects, { comments: { header, object: () => lines, rule: () => lines } });
          expect(plain(readYaml(yaml, '1.1'))).toEqual(plain(objects));
          expect(plain(readYaml(yaml, '1.2'))).toEqual(plain(objects));
          expect(plain(JSON.parse(renderJson(objects)))).toHaveProperty('items', plain(objects));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('no line is folded, no invisible character and no alias is written', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 3 }), (objects) => {
        const yaml = renderYaml([...objects, ...objects]);
        expect(yaml).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{DI}\p{Bidi_C}](?<!\n)/u);
        expect(yaml).not.toMatch(/^[^"]*(?:[&*]a\d|[|>]$)/m);
      }),
    );
  });

  test.skipIf(!HAS_KUBECTL)('kubectl reads the same', () => {
    // Half a surrogate pair is no character of YAML; the API server knows no such name.
    const verbs = HOSTILE_TEXTS.filter((hostile) => !/\p{Cs}/u.test(hostile));
    const role = clusterRole('a', [{ apiGroups: ['y', '1e3'], resources: ['0o7'], verbs }]);
    const comments = { header: verbs, object: () => verbs, rule: () => verbs };
    const folder = mkdtempSync(join(tmpdir(), 'leastwise-render-'));
    try {
      const file = join(folder, 'rbac.yaml');
      writeFileSync(file, renderYaml([role], { comments }));
      expect(JSON.parse(kubectl('patch', '--local', '--type=merge', '-p={}', '-o=json', '-f', file))).toEqual(
        role,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('renderYaml', () => {
  test('golden: as kubectl writes it, with comments', async () => {
    const [role, binding] = grant('suggested-shop-app', 'shop', RULES);
    const all = [
      role,
      binding,
      clusterRole('edge', [{ nonResourceURLs: ['/metrics', '/api/*'], verbs: ['get'] }]),
    ];
    const objects = all.filter((one) => one !== undefined);
    const yaml = renderYaml(objects, {
      comments: {
        header: ['Rendered by a test.', '', 'Second line'],
        object: ({ kind }) => (kind === 'Role' ? ['One line above the Role.'] : []),
        rule: ({ verbs }) => [`${verbs.join(', ')}: 42 requests by "agent\n/1.0"`],
      },
    });
    await expect(yaml).toMatchFileSnapshot('../testdata/objects.yaml');
    await expect(renderJson(objects)).toMatchFileSnapshot('../testdata/objects.json');
  });

  test('labels and annotations are sorted, whatever the order they came in', () => {
    const labelled = (labels: Record<string, string>): RbacObject => ({
      ...clusterRole('a', []),
      metadata: { name: 'a', labels, annotations: labels },
    });
    expect(renderYaml([labelled({ b: '1', a: '2' })])).toBe(renderYaml([labelled({ a: '2', b: '1' })]));
    expect(renderYaml([labelled({ b: '1', a: '2' })])).toContain('labels:\n    a: "2"\n    b: "1"\n');
  });

  test('lists that are one in memory are written out each time', () => {
    const verbs = ['get', 'list'];
    const rule = { apiGroups: [''], resources: ['pods'], verbs };
    const yaml = renderYaml([clusterRole('a', [rule, rule, { ...rule, resources: ['nodes'] }])]);
    expect(yaml).not.toMatch(/[&*]/);
    expect(yaml.match(/- list/g)).toHaveLength(3);
  });

  test('long text and long comments stay on their line', () => {
    const long = 'many words '.repeat(100);
    const comments = { header: [long], rule: () => [long] };
    const lines = renderYaml([clusterRole('a', [{ verbs: [long] }])], { comments }).split('\n');
    expect(lines.filter((line) => line.includes(long.trim()))).toHaveLength(3);
    expect(lines.filter((line) => line.includes('many'))).toHaveLength(3);
  });

  test('nothing gives nothing', () => {
    expect(renderYaml([])).toBe('');
    expect(renderYaml([], { comments: { header: ['a'] } })).toBe('# a\n');
    expect(renderJson([])).toBe('{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": []\n}\n');
  });

  test('a text of many megabytes is no trouble', () => {
    const long = 'x'.repeat(30_000_000);
    expect(renderYaml([clusterRole('a', [{ verbs: [long] }])])).toContain(`"${long}"`);
  });
});
