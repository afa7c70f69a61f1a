#!/usr/bin/env node
// `npm run bench:publisher [-- --subjects N] [-- --rules N]`: cycles of the publisher over a large state, in one process
// beside the writing of the same objects by a YAML library and by JSON.stringify. The repository and its pull requests
// are twins in memory, whose own time is told apart. CPU time (user and system, all threads) is what is measured.
import { parseArgs } from 'node:util';

import { createMemoryPullRequests, createMemoryRemote, policyNotes, runCycle } from '@leastwise/publish';
import { bootstrapDefaults, DEFAULT_OPTIONS, NEWEST_KUBERNETES } from '@leastwise/rbac';
import { renderRepository } from '@leastwise/render';
import { stringify } from 'yaml';

import { clusterOf, rulesOf } from './publisher/evidence.mjs';

const { values } = parseArgs({
  options: {
    subjects: { type: 'string', default: '10000' },
    rules: { type: 'string', default: '50' },
    baseline: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const size = { subjects: Number(values.subjects), rules: Number(values.rules) };

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const peakMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** A repository in memory, and how much CPU time its own work takes. */
function createRepository() {
  const remote = createMemoryRemote({ files: new Map([['README.md', 'policies']]) });
  const pulls = createMemoryPullRequests();
  const spent = { ms: 0 };
  const timed = (target) =>
    new Proxy(target, {
      get: (object, key) => {
        const value = object[key];
        if (typeof value !== 'function') return value;
        return async (...args) => {
          const start = cpuMs();
          try {
            return await value.apply(object, args);
          } finally {
            spent.ms += cpuMs() - start;
          }
        };
      },
    });
  /** What people do: everything that was proposed is on the base. */
  const merge = (files) => {
    const parent = remote.branches.get('main');
    const changes = [...files].map(([path, content]) => ({ action: 'write', path, content }));
    remote.point('main', remote.commitAsPerson({ parents: [parent], changes, message: 'merged' }));
    for (const { number } of pulls.pulls) pulls.people.merge(number, remote.branches.get('main'));
    for (const branch of remote.branches.keys()) if (branch !== 'main') remote.point(branch, undefined);
  };
  return { ports: { remote: timed(remote), pulls: timed(pulls) }, spent, merge };
}

const SETTINGS = {
  base: 'main',
  directly: 'nothing',
  options: { ...DEFAULT_OPTIONS, existing: bootstrapDefaults(NEWEST_KUBERNETES) },
  version: '0.0.0',
  codeownersDialect: 'github',
  publishesReports: true,
  tellsPoliciesOf: new Set(['prod']),
};

const rows = [];
function row(what, ms, more = {}) {
  rows.push({ what, 'CPU s': (ms / 1000).toFixed(2), ...more, 'peak MiB': peakMiB() });
}

async function cycle(what, cluster, { ports, spent }) {
  const parts = { infer: 0, propose: 0, verify: 0 };
  const begun = {};
  spent.ms = 0;
  const start = cpuMs();
  const outcome = await runCycle({ clusters: [cluster], late: 0, lost: 0 }, SETTINGS, {
    ...ports,
    nowUs: cluster.lastSeenUs,
    onProgress: (phase, done, total) => {
      begun[phase] ??= cpuMs();
      if (done === total) parts[phase] = cpuMs() - begun[phase];
    },
  });
  const ms = cpuMs() - start;
  const seconds = (each) => (each / 1000).toFixed(2);
  row(what, ms - spent.ms, {
    infer: seconds(parts.infer),
    propose: seconds(parts.propose),
    verify: seconds(parts.verify),
    'of the twins': seconds(spent.ms),
    proposals: outcome.proposals.length,
    done: outcome.outcomes.filter(({ action }) => action.action === 'push').length,
  });
  if (outcome.problems.length > 0) throw new Error(outcome.problems.slice(0, 3).join('\n'));
  return outcome;
}

function filesOf({ policies }) {
  return renderRepository(
    [...policies].map(([cluster, all]) => ({
      cluster,
      policies: all.map(({ policy }) => ({
        subject: policy.subject,
        objects: policy.objects,
        notes: (namespace) => policyNotes(policy, namespace),
      })),
    })),
  );
}

const start = cpuMs();
const cluster = clusterOf(size);
row('(making the evidence)', cpuMs() - start);
const repository = createRepository();
const first = await cycle('everything is new', cluster, repository);
await cycle('the same again, nothing merged', cluster, repository);
if (values.baseline) {
  const objects = first.policies.get('prod').flatMap(({ policy }) => policy.objects);
  const before = cpuMs();
  let bytes = 0;
  for (const object of objects) bytes += stringify(object, { aliasDuplicateObjects: false }).length;
  row(`baseline: yaml.stringify of the ${String(objects.length)} objects`, cpuMs() - before);
  const middle = cpuMs();
  for (const object of objects) bytes += JSON.stringify(object).length;
  row('baseline: JSON.stringify of them', cpuMs() - middle);
  if (bytes === 0) throw new Error('nothing was written');
}
repository.merge(filesOf(first));
await cycle('all of it merged', cluster, repository);
await cycle('no change', cluster, repository);
await cycle('no change of permissions, more evidence', clusterOf({ ...size, repeats: 3 }), repository);
console.log(`${String(size.subjects)} subjects with ${String(rulesOf(cluster))} rules`);
console.table(rows);
