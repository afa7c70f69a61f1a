// The whole way on real servers: what an account does in a cluster becomes a Role that a person merges, and with that
// alone the account goes on.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { lacksGitea, lacksKafka, lacksRedis } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Api, until } from '../closed-loop/living/api.ts';
import { applyRbac, review } from '../closed-loop/loop/apply.ts';
import { readRendered } from '../closed-loop/loop/rendered.ts';
import { kubernetesBinaries } from '../closed-loop/support/binaries.ts';
import { differences } from '../fault/support/redis-state.ts';
import { leastwise } from '../integration/support/leastwise.ts';
import type { ShownPull } from '../publish/support/site.ts';
import { endsOf } from '../stream/support/kafka.ts';
import { caughtUp, openStore } from '../stream/support/worker.ts';
import { startAuditor, tokenOf, violationsOf } from './support/auditor.ts';
import { cellsInLog, cellsInState, eventsInLog, requestsInLog } from './support/counts.ts';
import { CLUSTER, type Pipeline, PREFIX, startPipeline, TOPICS } from './support/pipeline.ts';
import { clone, runAlone } from './support/programs.ts';
import { Started } from './support/started.ts';
import { NEVER_MADE, NEVER_MADE_ATTRIBUTES, SURROUNDINGS, Workload } from './support/workload.ts';

const ACCOUNT = { namespace: 'shop', name: 'web' };
const USER = 'system:serviceaccount:shop:web';
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'];
const FOLDER = `clusters/${CLUSTER}/namespaces/shop/serviceaccount-shop.web`;
const BRANCH = `leastwise/${CLUSTER}.namespace-shop.additions`;

/** Everything that is waited for comes within seconds, but on a machine that has much else to do. */
const PATIENCE_MS = 60_000;
const soon = (what: string, isSo: () => Promise<boolean>): Promise<void> => until(what, isSo, PATIENCE_MS);

const binaries = await kubernetesBinaries();
const lacksAny = [await lacksKafka(), await lacksRedis(), await lacksGitea(), !binaries].includes(true);

describe.skipIf(lacksAny)('from an audit log to a merged Role, on real servers', () => {
  const started = new Started();
  let pipeline: Pipeline;
  let workload: Workload;
  let kubectl: (...args: readonly string[]) => Promise<string>;
  let token: string;

  beforeAll(async () => {
    if (!binaries) return;
    pipeline = started.use(await startPipeline(binaries));
    const { plane, dir } = pipeline;
    const kubeconfig = await plane.kubeconfig('admin', 'admin-token');
    kubectl = (...args) => runAlone(binaries.kubectl, args, { KUBECONFIG: kubeconfig, HOME: dir });
    const api = new Api(plane.admin);
    await api.create(...SURROUNDINGS);
    await kubectl(
      ...'create clusterrolebinding web --clusterrole=cluster-admin --serviceaccount=shop:web'.split(' '),
    );
    await soon('the account may do everything', () => may({ verb: '*', resource: '*', group: '*' }));
    token = await tokenOf(plane, ACCOUNT.namespace, ACCOUNT.name);
    workload = new Workload(plane.client(token));
    started.defer(() => workload.stop());
  });

  afterAll(async () => {
    await started[Symbol.asyncDispose]();
  });

  /** Whether the API server's authorizer allows it to the account. */
  function may(resourceAttributes: object): Promise<boolean> {
    return review(pipeline.plane.admin, { user: USER, groups: GROUPS, resourceAttributes });
  }

  function wrongWith(kind: string, name: string): Promise<string[]> {
    return violationsOf(kubectl, kind, name);
  }

  async function pullOf(branch: string): Promise<ShownPull | undefined> {
    return (await pipeline.repository.open()).find(({ head }) => head.ref === branch);
  }

  /** What the command line makes of the same log. */
  async function fromLog(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await leastwise([
      ...args,
      ...['-f', pipeline.plane.auditLog, '--cluster', CLUSTER, '-q'],
    ]);
    expect(code, stderr).toBe(0);
    return stdout;
  }

  /** What differs between what the state counted of the account and what the log says; nothing where all is well. */
  async function miscounted(): Promise<string[]> {
    const { plane, redis } = pipeline;
    const known = await cellsInState(redis.url, PREFIX, CLUSTER, ACCOUNT);
    return differences(known, await cellsInLog(plane.auditLog, CLUSTER, ACCOUNT));
  }

  test('the requests of an account with cluster-admin become a pull request, as the command line renders the same log', async () => {
    const { dir, repository } = pipeline;
    await workload.rounds(1);
    const out = join(dir, 'from-log');
    await fromLog('run', '--out', out, '--state', join(dir, 'from-log.state'));
    const wanted = await readFile(join(out, FOLDER, 'rbac.yaml'), 'utf8');
    // Until the whole of the evidence is there, the pull request is brought up to date.
    await soon('it is proposed', async () => {
      const isOpen = (await pullOf(BRANCH)) !== undefined;
      return isOpen && (await repository.text(BRANCH, `${FOLDER}/rbac.yaml`)) === wanted;
    });
    const alone = await fromLog('generate', '--serviceaccount', 'shop:web');
    expect(readRendered(wanted).objects).toEqual(readRendered(alone).objects);
    expect(readRendered(wanted).objects.map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
    const folders = (await repository.paths(BRANCH)).filter((path) => path.endsWith('/rbac.yaml'));
    expect(folders).toEqual([`${FOLDER}/rbac.yaml`]);
  });

  test('both aggregators have their part in it', async () => {
    for (const aggregator of pipeline.aggregators) {
      await soon('it counted events', async () => (await aggregator.metric('leastwise_events_total')) > 0);
    }
  });

  test('the auditor tells of cluster-admin while it is bound', async () => {
    const { dir, plane } = pipeline;
    await startAuditor(plane, { dir, kubectl, started });
    await soon('it is told', async () =>
      (await wrongWith('ClusterRoleBinding', 'web')).includes('R009 CRITICAL'),
    );
  });

  test('merged and applied, it takes the place of cluster-admin, and nothing of the workload is refused', async () => {
    const { dir, plane, repository } = pipeline;
    await repository.merge((await pullOf(BRANCH))?.number ?? 0);
    const folder = join(dir, 'clone');
    await clone(repository.url, folder, dir);
    await kubectl('apply', '-k', join(folder, 'clusters', CLUSTER));
    // The authorizer learns of Roles and of ClusterRoleBindings apart from each other.
    await applyRbac(plane, []);
    expect(await may(NEVER_MADE_ATTRIBUTES)).toBe(true);
    await kubectl('delete', 'clusterrolebinding', 'web');
    await soon('the authorizer knows', async () => !(await may(NEVER_MADE_ATTRIBUTES)));
    await workload.rounds(2);
    expect(workload.failures).toEqual([]);
  });

  test('the auditor says of what was merged only what is true of the workload', async () => {
    await soon(
      'it has seen the change',
      async () => (await wrongWith('ClusterRoleBinding', 'web')).length === 0,
    );
    const merged = readRendered(await pipeline.repository.text('main', `${FOLDER}/rbac.yaml`)).objects;
    const wrong = await Promise.all(merged.map(({ kind, metadata }) => wrongWith(kind, metadata.name)));
    // It does read a secret, and does change ConfigMaps.
    expect([...new Set(wrong.flat())].sort()).toEqual(['R030 LOW', 'R034 LOW']);
  });

  test('what the account never did is refused', async () => {
    const answer = await pipeline.plane.client(token).send(NEVER_MADE);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('db-password')]);
  });

  test('with an aggregator and the shipper killed meanwhile, nothing is lost and nothing is counted twice', async () => {
    const { aggregators, plane, kafka, redis } = pipeline;
    await aggregators[0].kill();
    await workload.rounds(2);
    await pipeline.restartShipper();
    await aggregators[0].start();
    await workload.rounds(1);
    await workload.stop();
    expect(workload.failures).toEqual([]);
    // The one that was refused besides. What was answered is about to be logged.
    const made = workload.requests + 1;
    await soon('all of it is logged', async () => (await requestsInLog(plane.auditLog, ACCOUNT)) >= made);
    expect(await requestsInLog(plane.auditLog, ACCOUNT)).toBe(made);
    await soon('all of the log is counted', async () => (await miscounted()).length === 0);
    const ends = await endsOf(kafka.brokers, TOPICS);
    const records = [...ends.values()].reduce((sum, end) => sum + end, 0);
    // It did come twice.
    if (pipeline.shipper.forgets) expect(records).toBeGreaterThan(await eventsInLog(plane.auditLog));
    const place = { brokers: kafka.brokers, groupId: '', topics: TOPICS };
    // What Kafka still has could be counted again.
    const { store, close } = openStore({ ...place, redisUrl: redis.url, prefix: PREFIX });
    try {
      await caughtUp(store, ends);
    } finally {
      await close();
    }
    expect(await miscounted()).toEqual([]);
  });

  test('the refusal is told in the report, and earns no grant', async () => {
    const { publisher, repository } = pipeline;
    const report = `reports/${CLUSTER}/policies.md`;
    await soon('it is told', async () =>
      (await repository.text(`leastwise/${CLUSTER}.policies.reports`, report)).includes(
        '`get` `secrets` named `db-password` in `shop`',
      ),
    );
    const cycles = await publisher.metric('leastwise_publisher_cycles_total');
    await soon(
      'another whole cycle',
      async () => (await publisher.metric('leastwise_publisher_cycles_total')) > cycles + 1,
    );
    // There are others by now: the auditor writes events into the namespace.
    const merged = await repository.text('main', `${FOLDER}/rbac.yaml`);
    for (const { head } of await repository.open())
      expect(await repository.text(head.ref, `${FOLDER}/rbac.yaml`), head.ref).toBe(merged);
    expect(await may(NEVER_MADE_ATTRIBUTES)).toBe(false);
  });
});
