#!/usr/bin/env node
// `npm run bench:auditor [-- --bindings N]`: a full audit of a large cluster, and the next one after a single change,
// each beside reading the same objects from JSON, in one process. Ratios are the result.
import { parseArgs } from 'node:util';

import { catalogue, createAuditor } from '@leastwise/findings';
import { toRbacObject, violationObjects } from '@leastwise/kube';
import { bootstrapDefaults, NEWEST_KUBERNETES } from '@leastwise/rbac';

const { values } = parseArgs({
  options: { bindings: { type: 'string', default: '50000' }, runs: { type: 'string', default: '5' } },
});
const count = Number(values.bindings);
const runs = Number(values.runs);
const RESOURCES = ['pods', 'secrets', 'configmaps', 'deployments', 'services', 'jobs', 'events', 'leases'];
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** One role for five bindings, each with rules of its own; a tenth of them for the whole cluster. */
function objects() {
  const all = [];
  const roles = Math.ceil(count / 5);
  for (let i = 0; i < roles; i += 1) {
    const rules = [0, 1, 2].map((j) => ({
      apiGroups: [''],
      resources: [RESOURCES[(i + j * 3) % RESOURCES.length], `r${String(i % 97)}`],
      verbs: VERBS.slice(0, 1 + ((i + j) % VERBS.length)),
    }));
    all.push([
      'ClusterRole',
      { metadata: { name: `role-${String(i)}`, uid: `r${String(i)}`, resourceVersion: '1' }, rules },
    ]);
  }
  for (let i = 0; i < count; i += 1) {
    const isWide = i % 10 === 0;
    const namespace = `team-${String(i % 200)}`;
    all.push([
      isWide ? 'ClusterRoleBinding' : 'RoleBinding',
      {
        metadata: {
          name: `binding-${String(i)}`,
          ...(isWide ? {} : { namespace }),
          uid: `b${String(i)}`,
          resourceVersion: '1',
        },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: `role-${String(i % roles)}`,
        },
        subjects: [{ kind: 'ServiceAccount', name: `account-${String(i % 1000)}`, namespace }],
      },
    ]);
  }
  return all;
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
function timed(work) {
  const times = [];
  let result;
  for (let i = 0; i < runs; i += 1) {
    const start = cpuMs();
    result = work(i);
    times.push(cpuMs() - start);
  }
  // What else the machine does only adds: the least is nearest to what the work itself takes.
  return { ms: Math.min(...times), result };
}

const made = objects();
const text = JSON.stringify(made);
const parse = timed(() => JSON.parse(text));
const audited = made.map(([kind, value]) => ({ object: toRbacObject(kind, value), uid: value.metadata.uid }));
const input = (list) => ({
  objects: list,
  bootstrap: bootstrapDefaults(NEWEST_KUBERNETES),
  judgeUnboundRoles: false,
  nowMs: Date.UTC(2026, 0, 5),
});
const full = timed(() => createAuditor().audit(input(audited)));
const auditor = createAuditor();
auditor.audit(input(audited));
const again = timed((i) => {
  const [, value] = made.at(-1);
  const changed = { ...value, roleRef: { ...value.roleRef, name: `role-${String(i)}` } };
  const last = { object: toRbacObject('RoleBinding', changed), uid: value.metadata.uid };
  return auditor.audit(input([...audited.slice(0, -1), last]));
});
const checks = new Map(catalogue().map((info) => [info.id, info]));
const violations = timed(() =>
  violationObjects(full.result.findings, { catalogue: checks, ownersOf: () => [] }),
);
const row = (what, { ms, result }) => ({
  what,
  'CPU ms': Math.round(ms),
  '× JSON.parse': (ms / parse.ms).toFixed(1),
  findings: result?.findings?.length ?? '',
});
console.log(
  `${String(count)} bindings, ${String(Math.ceil(count / 5))} roles, ${(text.length / 1e6).toFixed(1)} MB of JSON; the least of ${String(runs)} runs`,
);
console.table([
  row('JSON.parse', parse),
  row('full audit', full),
  row('audit after one change', again),
  row('RBACViolations of the findings', violations),
]);
console.log(
  `peak: ${String(Math.round(process.resourceUsage().maxRSS / 1024))} MiB, with the text and several copies of the objects`,
);
