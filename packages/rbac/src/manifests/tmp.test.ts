import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'vitest';
import { parseManifests } from './index.ts';
import { diffRbac } from '../diff/index.ts';
test('x', () => {
  const d = '/work/shared/data/public/_rbac/';
  for (const f of readdirSync(d, { recursive: true }) as string[]) {
    if (!/\.(yaml|in)$/.test(f)) continue;
    const t0 = performance.now();
    const r = parseManifests(readFileSync(d + f, 'utf8'), f);
    const t1 = performance.now();
    const diff = diffRbac([], r.objects);
    console.log(f, r.objects.length, r.ignored, JSON.stringify(r.problems), Math.round(t1 - t0), diff.subjects.map((s) => `${s.subject.kind}:${s.subject.namespace}/${s.subject.name} +${s.added.length} roles ${s.addedRoles.length}`).join(', '));
  }
  for (const t of ['a: '+'? '.repeat(5000), 'kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: '+'? '.repeat(600), '['.repeat(20000),'{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":'+'['.repeat(50000)+']'.repeat(50000)+'}', 'kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: '+'{a: '.repeat(700)+'1'+'}'.repeat(700), '%'.repeat(100000), 'kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  name: {{ .Values.x }}\nrules: []', '{{- if .x }}\nkind: Role\n{{ end }}', '- kind: Role', 'kind: Role\nmetadata:\n  name: x', 'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n- 3']) {
    const t0 = performance.now();
    const r = parseManifests(t, 'f');
    console.log(JSON.stringify(t.slice(0,40)), r.objects.length, r.ignored, r.problems.length, JSON.stringify(r.problems.slice(0,2)), Math.round(performance.now() - t0));
  }
});
