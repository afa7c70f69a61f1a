import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { build } from '../support/built.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SCRIPT = join(ROOT, 'deploy/ci/scan.sh');
const HOOK = join(ROOT, 'deploy/ci/pre-commit/scan.sh');

const ROLE = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
`;
const BINDING = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: User, name: ci, apiGroup: rbac.authorization.k8s.io}]
`;
const CLEAN = ROLE.replaceAll('"*"', 'pods').replace('verbs: [pods]', 'verbs: [get]');

const root = mkdtempSync(join(tmpdir(), 'leastwise-gate-'));
let count = 0;

function folderWith(files: Readonly<Record<string, string>>): string {
  count += 1;
  const folder = join(root, String(count));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function run(script: string, cwd: string, env: Readonly<Record<string, string>>, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync('bash', [script, ...words], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

interface Step {
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The variables that the script reads. */
const VARIABLES = new Set(readFileSync(SCRIPT, 'utf8').match(/LEASTWISE_[A-Z_]+/g));

beforeAll(build, 600_000);
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('the script of the pipelines', () => {
  test('fails on findings, and writes what it is asked for', () => {
    const folder = folderWith({ 'a b.yaml': ROLE, '-b.yaml': BINDING });
    const env = {
      LEASTWISE_PATHS: 'a b.yaml\n\n-b.yaml',
      LEASTWISE_SARIF: 'out.sarif',
      LEASTWISE_JUNIT: 'out.xml',
      LEASTWISE_MARKDOWN: 'out.md',
      LEASTWISE_ANNOTATIONS: 'github',
    };
    writeFileSync(join(folder, 'out.md'), 'what was there\n');
    const { status, stdout } = run(SCRIPT, folder, env);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^::error file=a b\.yaml,line=1,title=CRITICAL R001/m);
    const sarif = JSON.parse(readFileSync(join(folder, 'out.sarif'), 'utf8')) as { readonly runs: object[] };
    expect(sarif.runs).toHaveLength(1);
    expect(readFileSync(join(folder, 'out.xml'), 'utf8')).toMatch(/^<\?xml /);
    expect(readFileSync(join(folder, 'out.md'), 'utf8')).toMatch(/^what was there\n## RBAC findings\n/);
  });

  test('passes where nothing is found, or where findings are only to be shown', () => {
    expect(run(SCRIPT, folderWith({ 'a.yaml': CLEAN }), { LEASTWISE_PATHS: '.' }).status).toBe(0);
    const env = { LEASTWISE_PATHS: '.', LEASTWISE_FAIL_ON_FINDINGS: 'false' };
    const { status, stdout } = run(SCRIPT, folderWith({ 'a.yaml': ROLE + '---\n' + BINDING }), env);
    expect([status, stdout]).toEqual([0, expect.stringContaining('R001')]);
  });

  test('finds roles in the snapshot', () => {
    const folder = folderWith({ 'b.yaml': BINDING });
    const live = folderWith({ 'live.yaml': ROLE });
    const found = (snapshot: string): string =>
      run(SCRIPT, folder, { LEASTWISE_PATHS: '.', LEASTWISE_SNAPSHOT: snapshot, LEASTWISE_SEVERITY: 'INFO' })
        .stdout;
    expect(found('')).toContain('R019');
    expect(found(live)).not.toContain('R019');
  });

  test('ends with 2 without paths, and for what cannot be read', () => {
    const folder = folderWith({ 'a.yaml': 'a: {{ b }}\n' });
    expect(run(SCRIPT, folder, { LEASTWISE_PATHS: ' \n' })).toMatchObject({
      status: 2,
      stderr: 'no paths to scan\n',
    });
    const { status, stderr } = run(SCRIPT, folder, {
      LEASTWISE_PATHS: 'a.yaml',
      LEASTWISE_SARIF: 'out.sarif',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('a.yaml:1: templated')]);
  });

  test('takes no path for a command or a flag', () => {
    const folder = folderWith({ 'a.yaml': CLEAN });
    for (const path of ['$(touch owned)', '`touch owned`', '; touch owned', '--help', '*']) {
      expect(run(SCRIPT, folder, { LEASTWISE_PATHS: path }).status, path).toBe(2);
    }
    expect(() => {
      accessSync(join(folder, 'owned'));
    }).toThrow(/ENOENT/);
  });
});

test('the action hands all its inputs to the script by the environment, and none by its text', () => {
  const action = parse(readFileSync(join(ROOT, 'deploy/ci/github/action.yml'), 'utf8')) as {
    readonly inputs: Readonly<Record<string, { readonly description: string }>>;
    readonly runs: { readonly steps: readonly Step[] };
  };
  const env = Object.assign({}, ...action.runs.steps.map((step) => step.env ?? {})) as Record<string, string>;
  for (const name of Object.keys(env)) expect([...VARIABLES]).toContain(name);
  for (const input of Object.keys(action.inputs)) {
    expect(Object.values(env), input).toContain(`\${{ inputs.${input} }}`);
  }
  for (const step of action.runs.steps) expect(step.run).not.toContain('${{');
});

test('the template sets variables that the script knows', () => {
  const text = readFileSync(join(ROOT, 'deploy/ci/gitlab/leastwise-scan.gitlab-ci.yml'), 'utf8');
  const template = parse(text) as {
    readonly 'leastwise-scan': { readonly variables: Readonly<Record<string, string>> };
  };
  const own = ['LEASTWISE_PROJECT', 'LEASTWISE_REF'];
  const variables = Object.keys(template['leastwise-scan'].variables).filter((name) => !own.includes(name));
  expect(variables.length).toBeGreaterThan(5);
  for (const name of variables) expect([...VARIABLES]).toContain(name);
});

test('the hook of pre-commit runs a script that is there, with all files at once', () => {
  const hooks = parse(readFileSync(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8')) as Record<
    string,
    unknown
  >[];
  expect(hooks).toMatchObject([
    {
      id: 'leastwise-scan',
      language: 'script',
      pass_filenames: false,
      entry: 'deploy/ci/pre-commit/scan.sh',
    },
  ]);
  for (const script of [SCRIPT, HOOK]) accessSync(script, constants.X_OK);
  const folder = folderWith({ 'a.yaml': ROLE, 'b.yaml': BINDING });
  const { status, stdout } = run(HOOK, folder, {}, '--severity', 'HIGH', '--fail-on-findings', '.');
  expect([status, stdout]).toEqual([1, expect.stringContaining('a.yaml:1')]);
});

describe('the Constraints of Gatekeeper', () => {
  const folder = join(ROOT, 'deploy/policies/gatekeeper');
  const load = (file: string) => parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;

  test.each(['wildcard-verbs', 'cluster-admin-bindings'])(
    '%s is of the kind that its template makes',
    (name) => {
      const constraint = load(`${name}.yaml`) as {
        readonly kind: string;
        readonly spec: { readonly parameters: object };
      };
      const kind = constraint.kind.toLowerCase();
      const template = load(`${name}-template.yaml`);
      expect(template).toMatchObject({
        kind: 'ConstraintTemplate',
        metadata: { name: kind },
        spec: {
          crd: { spec: { names: { kind: constraint.kind } } },
          targets: [
            {
              target: 'admission.k8s.gatekeeper.sh',
              rego: expect.stringMatching(`^package ${kind}\n`) as string,
            },
          ],
        },
      });
      const text = JSON.stringify(template);
      for (const parameter of Object.keys(constraint.spec.parameters)) {
        expect(text).toContain(`input.parameters.${parameter}[_]`);
        expect(text).toContain(`"${parameter}":{"description"`);
      }
    },
  );
});
