import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { configSchema, type RunningAuditor, startAuditor } from '@leastwise/auditor';
import { createNullLog, loadConfig } from '@leastwise/runtime';
import { type ControlPlane, startControlPlane } from '@leastwise/testkit';

import { at, textAt, until } from '../living/api.ts';
import type { Binaries } from './binaries.ts';

/** A file of the project. */
export const fileOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const ACCOUNT = 'system:serviceaccount:leastwise-system:leastwise-auditor';
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:leastwise-system', 'system:authenticated'];

/** An RBACViolation as kubectl shows it. */
export interface Violation {
  readonly name: string;
  readonly rule: string;
  readonly severity: string;
  readonly state: string;
  readonly object: string;
  readonly status: unknown;
  readonly spec: unknown;
}

/** Where an auditor answers. */
export const urlOf = ({ address }: RunningAuditor, path: string): string =>
  `http://127.0.0.1:${address.port}${path}`;

/** The sum of an auditor's series of a name whose labels contain a text. */
export async function metric(auditor: RunningAuditor, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(urlOf(auditor, '/metrics'))).text();
  const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** A real API server with what deploy/auditor asks for, and auditors that run as its account. */
export class AuditedCluster implements AsyncDisposable {
  readonly dir: string;
  readonly plane: ControlPlane;
  readonly auditorConfig: string;
  readonly #adminConfig: string;
  readonly #kubectl: string;
  readonly #running: RunningAuditor[] = [];

  private constructor(
    plane: ControlPlane,
    parts: {
      readonly dir: string;
      readonly admin: string;
      readonly auditor: string;
      readonly kubectl: string;
    },
  ) {
    this.plane = plane;
    this.dir = parts.dir;
    this.auditorConfig = parts.auditor;
    this.#adminConfig = parts.admin;
    this.#kubectl = parts.kubectl;
  }

  static async start(binaries: Binaries): Promise<AuditedCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'leastwise-auditor-'));
    const users = [{ token: 'auditor-token', name: ACCOUNT, groups: GROUPS }];
    const plane = await startControlPlane({ dir, apiServer: binaries.apiServer, users });
    const admin = await plane.kubeconfig('admin', 'admin-token');
    const auditor = await plane.kubeconfig('auditor', 'auditor-token');
    const cluster = new AuditedCluster(plane, { dir, admin, auditor, kubectl: binaries.kubectl });
    for (const namespace of ['leastwise-system', 'ci', 'shop'])
      await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl(
      'apply',
      '-f',
      fileOf('deploy/crds/rbacviolations.yaml'),
      '-f',
      fileOf('deploy/auditor/rbac.yaml'),
    );
    await cluster.kubectl(
      'wait',
      '--for=condition=Established',
      'crd/rbacviolations.leastwise.dev',
      '--timeout=30s',
    );
    await cluster.kubectl('create', 'serviceaccount', 'deployer', '-n', 'ci');
    await cluster.kubectl('create', 'serviceaccount', 'cart', '-n', 'shop');
    return cluster;
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#run(args, '');
  }

  apply(manifest: string): Promise<string> {
    return this.#run(['apply', '-f', '-'], manifest);
  }

  #run(args: readonly string[], input: string): Promise<string> {
    const child = spawn(this.#kubectl, [...args], {
      env: { HOME: this.dir, KUBECONFIG: this.#adminConfig, PATH: process.env['PATH'] },
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on('close', (code) => {
        if (code === 0) resolve(out);
        else reject(new Error(`kubectl ${args.join(' ')}: ${out}`));
      });
    });
  }

  /** Binds cluster-admin to the account of CI. */
  bind(name: string): Promise<string> {
    return this.kubectl(
      'create',
      'clusterrolebinding',
      name,
      '--clusterrole=cluster-admin',
      '--serviceaccount=ci:deployer',
    );
  }

  /** Takes it away again, and waits until that was noticed. */
  async unbind(name: string): Promise<void> {
    await this.kubectl('delete', 'clusterrolebinding', name);
    await this.noLonger('R009', `ClusterRoleBinding ${name}`);
  }

  exists(kind: string, name: string, ...rest: readonly string[]): Promise<boolean> {
    return this.kubectl('get', kind, name, ...rest).then(
      () => true,
      () => false,
    );
  }

  /** Starts an auditor and waits until it has judged the cluster. */
  async audit(overrides: Readonly<Record<string, unknown>> = {}): Promise<RunningAuditor> {
    const file = join(this.dir, 'auditor.json');
    const base = {
      http: { host: '127.0.0.1', port: 0 },
      clusters: { prod: { kubeconfigFile: this.auditorConfig } },
      lease: { seconds: 5 },
    };
    await writeFile(file, JSON.stringify({ ...base, ...overrides }));
    const config = loadConfig({
      service: 'auditor',
      schema: configSchema,
      argv: ['--config', file],
      env: {},
    });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    const auditor = await startAuditor(config.value, createNullLog());
    this.#running.push(auditor);
    await until('the auditor is ready', async () => (await fetch(urlOf(auditor, '/readyz'))).ok, 30_000);
    return auditor;
  }

  /** Stops one auditor, or all of them. */
  async stop(auditor?: RunningAuditor): Promise<void> {
    const gone = auditor === undefined ? [...this.#running] : [auditor];
    for (const each of gone) {
      this.#running.splice(this.#running.indexOf(each), 1);
      await each[Symbol.asyncDispose]();
    }
  }

  async violations(): Promise<Violation[]> {
    const list: unknown = JSON.parse(await this.kubectl('get', 'rbacviolations', '-o', 'json'));
    const items = at(list, 'items');
    return (Array.isArray(items) ? items : []).map((item: unknown) => ({
      name: textAt(item, 'metadata', 'name'),
      rule: textAt(item, 'spec', 'rule'),
      severity: textAt(item, 'spec', 'severity'),
      state: textAt(item, 'status', 'state'),
      object: `${textAt(item, 'spec', 'object', 'kind')} ${textAt(item, 'spec', 'object', 'name')}`,
      status: at(item, 'status'),
      spec: at(item, 'spec'),
    }));
  }

  async find(rule: string, object: string): Promise<Violation | undefined> {
    return (await this.violations()).find((each) => each.rule === rule && each.object === object);
  }

  openOf(rule: string, object: string): Promise<Violation> {
    return this.#inState(rule, object, 'Open');
  }

  noLonger(rule: string, object: string): Promise<Violation> {
    return this.#inState(rule, object, 'Resolved');
  }

  async #inState(rule: string, object: string, state: string): Promise<Violation> {
    const found: Violation[] = [];
    await until(
      `${rule} by ${object} is ${state}`,
      async () => {
        const violation = await this.find(rule, object);
        if (violation?.state === state) found.push(violation);
        return found.length > 0;
      },
      20_000,
    );
    const [violation] = found;
    if (!violation) throw new Error('not found');
    return violation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.plane[Symbol.asyncDispose]();
    await rm(this.dir, { recursive: true, force: true });
  }
}
