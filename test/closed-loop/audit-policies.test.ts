import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type AuditPolicy,
  generatePolicy,
  POLICY_PRESETS,
  readAuditPolicies,
  type SourcedPolicy,
} from '@leastwise/audit-policy';
import { createRandom, type StaticUser } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { differences, type Sender } from './audit-policies/observe.ts';
import { PolicyServers } from './audit-policies/policy-servers.ts';
import { merged, policyJson, randomPolicy } from './audit-policies/random-policies.ts';
import { user } from './audit-policies/requests.ts';
import { testSeed } from './fuzz/seed.ts';
import { kubernetesBinaries } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
const OURS = fileURLToPath(new URL('../../packages/audit-policy/testdata/policies', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/data/public/_policies', import.meta.url));
const FUZZED = 48;
/** Each policy needs a server of its own; while one of them starts or ends, it waits more than it works. */
const SERVERS_AT_A_TIME = 3;
vi.setConfig({ maxConcurrency: SERVERS_AT_A_TIME });

/** Those whom the policies of the world name, and somebody whom none does. */
const PEOPLE: readonly StaticUser[] = [
  user('t-alice', 'alice', 'team'),
  user('t-proxy', 'system:kube-proxy', 'system:node-proxier'),
  user('t-apiserver', 'system:apiserver', 'system:masters'),
  user('t-manager', 'system:kube-controller-manager'),
  user('t-node', 'system:node:n1', 'system:nodes'),
  user('t-hpa', 'system:serviceaccount:kube-system:horizontal-pod-autoscaler', 'system:serviceaccounts'),
];
const SENDERS: readonly Sender[] = [...PEOPLE, 'anonymous', 'wrong token'];

interface NamedPolicy {
  readonly name: string;
  /** What the API server is given: the file itself, where it is a policy. */
  readonly text: string;
  readonly policy: AuditPolicy;
}

async function policiesBelow(folder: string): Promise<NamedPolicy[]> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  const found: NamedPolicy[] = [];
  for (const name of names.filter((each) => each.endsWith('.yaml')).sort()) {
    const text = await readFile(join(folder, name), 'utf8');
    found.push(...readAuditPolicies(text, name).policies.map((source) => named(name, text, source)));
  }
  return found;
}

function named(name: string, text: string, { policy, within }: SourcedPolicy): NamedPolicy {
  return { name, text: within === '' ? text : policyJson(policy), policy };
}

const ours = await policiesBelow(OURS);
const known = new Set(ours.map(({ name }) => name));
const shared = (await policiesBelow(SHARED)).filter(({ name }) => !known.has(name));
const presets = POLICY_PRESETS.map((preset): NamedPolicy => {
  const { yaml, policy } = generatePolicy(preset);
  return { name: `preset ${preset}`, text: yaml, policy };
});

describe.skipIf(!binaries)('audit policies on a real API server', { concurrent: true }, () => {
  const random = createRandom(testSeed());
  const fuzzed = Array.from({ length: FUZZED }, (_, i) => randomPolicy(random, i));
  const fuzzedUsers = fuzzed.flatMap(({ users }) => users);
  let dir = '';
  let servers: PolicyServers;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-audit-policies-'));
    const apiServer = binaries?.apiServer ?? '';
    servers = new PolicyServers({ dir, apiServer, users: [...PEOPLE, ...fuzzedUsers] });
  });

  afterAll(async () => {
    await servers[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  test.each([...ours, ...shared, ...presets])(
    '$name: the log is what was foreseen',
    async ({ name, text, policy }) => {
      const { sent, logged } = await servers.observe(text, SENDERS);
      expect(differences(policy, sent, logged)).toEqual([]);
      // What is logged was compared, and is much, but where a misspelt field makes a rule that hides everything.
      const seen = sent.filter(({ auditID }) => logged.has(auditID)).length;
      expect(seen > 20).toBe(name !== 'kops-cluster.yaml');
    },
  );

  test(`${String(FUZZED)} random policies: the log is what was foreseen`, async () => {
    const { sent, logged } = await servers.observe(policyJson(merged(fuzzed)), fuzzedUsers);
    const found = fuzzed.flatMap(({ policy, users: own }) => {
      const names = own.map(({ token }) => token);
      const theirs = sent.filter(({ sender }) => typeof sender === 'object' && names.includes(sender.token));
      return differences(policy, theirs, logged).map((each) => `${each}\n${policyJson(policy)}`);
    });
    expect(found).toEqual([]);
    const levels = sent.map(({ auditID }) => logged.get(auditID)?.level ?? 'None');
    const counts = Object.fromEntries(
      ['None', 'Metadata', 'Request', 'RequestResponse'].map((level) => [
        level,
        levels.filter((each) => each === level).length,
      ]),
    );
    console.log(
      `${String(sent.length)} requests under ${String(FUZZED)} policies: ${JSON.stringify(counts)}`,
    );
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });

  test.each([
    ['no rules', 'rules: []'],
    ['an unknown level', 'rules: [{level: metadata}]'],
    ['an unknown stage', 'rules: [{level: None, omitStages: [x]}]'],
    ['a group with its version', 'rules: [{level: None, resources: [{group: apps/v1}]}]'],
    ['names without resources', 'rules: [{level: None, resources: [{resourceNames: [x]}]}]'],
    ['URLs beside namespaces', 'rules: [{level: None, namespaces: [x], nonResourceURLs: [/x]}]'],
    ['a star inside of a URL', 'rules: [{level: None, nonResourceURLs: ["/x*y"]}]'],
    ['a text for a list', 'rules: [{level: None, users: x}]'],
  ])('what we say that it refuses, it refuses: %s', async (_, rules) => {
    const text = `apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}\n`;
    expect(readAuditPolicies(text, 'x').problems.map(({ id }) => id)).toContain('E01');
    await expect(servers.observe(text, [])).rejects.toThrow(/kube-apiserver ended/);
  });
});
