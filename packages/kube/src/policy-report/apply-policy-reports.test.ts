import { describe, expect, test } from 'vitest';

import { textAt, valueAt } from '../json-value.ts';
import { KubeError } from '../kube-error.ts';
import type { KubeAnswer, KubeRequest } from '../request.ts';
import { CART, inputOf, permission, user } from '../testing/evidence.ts';
import { answer, FakeCluster, fakeWaiting, pathOf } from '../testing/fake-cluster.ts';
import { applyPolicyReports, type ApplyOptions, type ReportOutcome } from './apply-policy-reports.ts';
import { policyReportObject } from './policy-report-object.ts';
import type { SubjectPolicyReport } from './types.ts';

const NEEDS = [permission('get', 'configmaps', 'shop', 'settings'), permission('list', 'nodes')];
const CART_REPORT = policyReportObject(inputOf(CART, NEEDS));
const USERS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => policyReportObject(inputOf(user(name), NEEDS)));
const CART_PATH = pathOf('shop', 'sa-cart');

function apply(
  cluster: FakeCluster,
  reports: readonly SubjectPolicyReport[],
  options: Partial<ApplyOptions> = {},
): Promise<readonly ReportOutcome[]> {
  return applyPolicyReports(cluster, reports, { cluster: 'prod', waiting: fakeWaiting(), ...options });
}

const results = (outcomes: readonly ReportOutcome[]): string[] =>
  outcomes.map(({ namespace, name, result }) => `${namespace}/${name} ${result}`);

/** Answers the first so many matching requests like this. */
function first(times: number, matches: (request: KubeRequest) => boolean, reply: () => KubeAnswer) {
  let left = times;
  return (request: KubeRequest): KubeAnswer | undefined => {
    if (left === 0 || !matches(request)) return undefined;
    left -= 1;
    return reply();
  };
}

const isWrite = ({ method }: KubeRequest): boolean => method !== 'GET';
const status = (code: number, rest: object = {}) => answer(code, { kind: 'Status', code, ...rest });

describe('what is applied', () => {
  test('is the spec, then the status, by the field manager and by force', async () => {
    const cluster = new FakeCluster();
    expect(results(await apply(cluster, [CART_REPORT]))).toEqual(['shop/sa-cart created']);
    const [list, main, sub] = cluster.sent;
    expect(list?.query).toEqual({ labelSelector: 'app.kubernetes.io/managed-by=leastwise', limit: '50' });
    for (const each of [main, sub]) {
      expect(each?.query).toEqual({ fieldManager: 'leastwise', force: 'true' });
      expect(each?.body?.type).toBe('application/apply-patch+yaml');
    }
    const { status: wantedStatus, ...rest } = CART_REPORT;
    expect(JSON.parse(main?.body?.text ?? '')).toEqual(rest);
    const conditions = wantedStatus.conditions.map((each) => {
      return { ...each, lastTransitionTime: '2026-01-05T12:00:00Z' };
    });
    expect(JSON.parse(sub?.body?.text ?? '')).toEqual({
      apiVersion: CART_REPORT.apiVersion,
      kind: CART_REPORT.kind,
      metadata: { name: 'sa-cart', namespace: 'shop' },
      status: { ...wantedStatus, conditions },
    });
    expect(cluster.writes).toEqual([`PATCH ${CART_PATH}`, `PATCH ${CART_PATH}/status`]);
  });

  test('is nothing where nothing changed, whatever the order of keys', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT, ...USERS]);
    for (const object of cluster.objects.values()) {
      object['spec'] = Object.fromEntries(Object.entries(valueAt(object, 'spec') ?? {}).reverse());
      object['status'] = Object.fromEntries(Object.entries(valueAt(object, 'status') ?? {}).reverse());
    }
    const writes = cluster.writes.length;
    const outcomes = await apply(cluster, [CART_REPORT, ...USERS]);
    expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['unchanged']));
    expect(cluster.writes).toHaveLength(writes);
  });

  test.each([
    ['the spec', 'spec', { cluster: 'prod', subject: {} }, CART_PATH],
    ['our label', 'metadata', { namespace: 'shop', name: 'sa-cart', labels: {} }, CART_PATH],
    ['the status', 'status', {}, `${CART_PATH}/status`],
    ['a status with more', 'status', { ...CART_REPORT.status, severity: 'Red' }, `${CART_PATH}/status`],
  ])('is only what differs: %s', async (_, field, value, path) => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT]);
    const object = cluster.objects.get(CART_PATH);
    if (!object) throw new Error('not there');
    object[field] = value;
    cluster.sent.length = 0;
    expect(results(await apply(cluster, [CART_REPORT]))).toEqual(['shop/sa-cart changed']);
    expect(cluster.writes).toEqual([`PATCH ${path}`]);
  });

  test('keeps since when a condition is so, until it is not', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT]);
    const times = (): string[] =>
      [valueAt(cluster.objects.get(CART_PATH), 'status', 'conditions')]
        .flat()
        .map((each) => textAt(each, 'lastTransitionTime'));
    const later = { ...fakeWaiting(), now: () => Date.UTC(2026, 1, 1) };
    const other = { ...CART_REPORT, status: { ...CART_REPORT.status, ruleCount: 9 } };
    await apply(cluster, [other], { waiting: later });
    expect(times()).toEqual(['2026-01-05T12:00:00Z']);
    const incomplete = CART_REPORT.status.conditions.map((each) => ({ ...each, status: 'False' as const }));
    const worse = { ...CART_REPORT, status: { ...CART_REPORT.status, conditions: incomplete } };
    await apply(cluster, [worse], { waiting: later });
    expect(times()).toEqual(['2026-02-01T00:00:00Z']);
  });

  test('is checked and not kept in a dry run', async () => {
    const cluster = new FakeCluster();
    expect(results(await apply(cluster, [CART_REPORT], { dryRun: true }))).toEqual(['shop/sa-cart created']);
    expect(cluster.writes).toEqual([`PATCH ${CART_PATH}`]);
    expect(cluster.sent.at(-1)?.query).toMatchObject({ dryRun: 'All' });
    await apply(cluster, [CART_REPORT]);
    await apply(cluster, [], { dryRun: true });
    expect(JSON.parse(cluster.sent.at(-1)?.body?.text ?? '')).toMatchObject({ dryRun: ['All'] });
  });
});

test('conditions of others do not count', async () => {
  const cluster = new FakeCluster();
  await apply(cluster, [CART_REPORT]);
  const object = cluster.objects.get(CART_PATH);
  const conditions = [valueAt(object, 'status', 'conditions'), { type: 'Reviewed', status: 'True' }].flat();
  if (object) object['status'] = { ...CART_REPORT.status, conditions };
  expect(results(await apply(cluster, [CART_REPORT]))).toEqual(['shop/sa-cart unchanged']);
});

describe('what is gone', () => {
  test('is deleted as it was listed, if it is of this cluster', async () => {
    const cluster = new FakeCluster();
    const others = USERS.map((each) => ({ ...each, spec: { ...each.spec, cluster: 'test' } }));
    await apply(cluster, others, { cluster: 'test' });
    await apply(cluster, [CART_REPORT]);
    expect(results(await apply(cluster, []))).toEqual(['shop/sa-cart deleted']);
    expect(cluster.objects.size).toBe(USERS.length);
    const last = cluster.sent.at(-1);
    expect(JSON.parse(last?.body?.text ?? '')).toMatchObject({
      preconditions: { uid: `uid-${CART_PATH}`, resourceVersion: expect.any(String) as string },
    });
    expect(last?.query).toBeUndefined();
  });

  test('stays where that is asked for, and is deleted where somebody else was quicker', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT]);
    expect(await apply(cluster, [], { deletesOthers: false })).toEqual([]);
    cluster.fault = first(1, isWrite, () => status(404, { details: { kind: 'subjectpolicyreports' } }));
    expect(results(await apply(cluster, []))).toEqual(['shop/sa-cart deleted']);
  });

  test('is left alone where it was changed since it was listed', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT]);
    cluster.fault = first(9, isWrite, () => status(409, { message: 'the UID in the precondition' }));
    cluster.sent.length = 0;
    expect(await apply(cluster, [])).toMatchObject([{ result: 'failed', error: { failure: 'conflict' } }]);
    expect(cluster.writes).toHaveLength(1);
  });
});

describe('the list', () => {
  test('is read to its last page', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, USERS);
    cluster.sent.length = 0;
    expect(await apply(cluster, [])).toHaveLength(6);
    expect(
      cluster.sent.filter(({ method }) => method === 'GET').map(({ query }) => query?.['continue']),
    ).toEqual([undefined, '2', '4']);
  });

  test('that expired is begun again, three times at most', async () => {
    const isNext = ({ query }: KubeRequest): boolean => query?.['continue'] === '2';
    const cluster = new FakeCluster();
    await apply(cluster, USERS);
    cluster.fault = first(2, isNext, () => status(410));
    expect(new Set((await apply(cluster, USERS)).map(({ result }) => result))).toEqual(
      new Set(['unchanged']),
    );
    cluster.fault = first(3, isNext, () => status(410));
    await expect(apply(cluster, USERS)).rejects.toMatchObject({ status: 410 });
  });

  test('that cannot be read ends it before anything is written', async () => {
    for (const [reply, failure] of [
      [status(403, { message: 'forbidden' }), 'forbidden'],
      [status(401), 'unauthorized'],
      [{ status: 404, headers: {}, text: '404 page not found\n' }, 'not-installed'],
      [{ status: 200, headers: {}, text: '<html>' }, 'unexpected'],
      [answer(200, { items: {} }), 'unexpected'],
    ] as const) {
      const cluster = new FakeCluster();
      cluster.fault = () => reply;
      await expect(apply(cluster, [CART_REPORT])).rejects.toMatchObject({ name: 'KubeError', failure });
      expect(cluster.writes).toEqual([]);
    }
    const cluster = new FakeCluster();
    cluster.fault = () => status(404);
    await expect(apply(cluster, [])).rejects.toThrow('apply deploy/crds/subjectpolicyreports.yaml');
  });
});

describe('what fails', () => {
  test.each([409, 429, 500, 502, 503, 504])('%i is asked again, further and further apart', async (code) => {
    const cluster = new FakeCluster();
    const waiting = fakeWaiting();
    cluster.fault = first(3, isWrite, () => status(code));
    expect(results(await apply(cluster, [CART_REPORT], { waiting }))).toEqual(['shop/sa-cart created']);
    expect(waiting.slept).toEqual([250, 500, 1000]);
  });

  test('no answer is asked again, and given up after four', async () => {
    const cluster = new FakeCluster();
    const silent = (): never => {
      throw new KubeError('unreachable', 'no answer');
    };
    cluster.fault = first(3, isWrite, silent);
    await apply(cluster, [CART_REPORT]);
    cluster.fault = silent;
    cluster.sent.length = 0;
    await expect(apply(cluster, [CART_REPORT])).rejects.toMatchObject({ failure: 'unreachable' });
    expect(cluster.sent).toHaveLength(4);
  });

  test('Retry-After is kept to, and not where it is longer than half a minute', async () => {
    const waiting = fakeWaiting();
    const cluster = new FakeCluster();
    cluster.fault = first(1, isWrite, () => answer(429, {}, { 'retry-after': '7' }));
    await apply(cluster, [CART_REPORT], { waiting });
    expect(waiting.slept).toEqual([7000]);
    cluster.fault = () => answer(429, {}, { 'retry-after': '31' });
    await expect(apply(cluster, [], { waiting })).rejects.toMatchObject({ failure: 'overloaded' });
    expect(waiting.slept).toEqual([7000]);
  });

  test.each([
    ['invalid', status(422, { message: 'spec.subject: Invalid value' })],
    ['forbidden', status(403, { message: 'no' })],
    ['no-namespace', status(404, { details: { kind: 'namespaces' } })],
    ['no-namespace', status(403, { details: { causes: [{ reason: 'NamespaceTerminating' }] } })],
    ['invalid', status(413)],
    ['unexpected', status(418)],
  ])('%s keeps nobody else back', async (failure, reply) => {
    const cluster = new FakeCluster();
    cluster.fault = ({ path }) => (path === CART_PATH ? reply : undefined);
    const outcomes = await apply(cluster, [CART_REPORT, ...USERS.slice(0, 2)]);
    expect(outcomes).toMatchObject([
      { result: 'failed', error: { failure, status: reply.status } },
      { result: 'created' },
      { result: 'created' },
    ]);
  });

  test.each([
    [401, 'unauthorized'],
    [503, 'overloaded'],
  ])('%i ends the run: the others would end the same way', async (code, failure) => {
    const cluster = new FakeCluster();
    cluster.fault = (request) => (isWrite(request) ? status(code) : undefined);
    await expect(apply(cluster, USERS, { concurrency: 1 })).rejects.toMatchObject({ failure });
    expect(new Set(cluster.writes).size).toBe(1);
  });

  test('after the run ended nothing new is begun', async () => {
    const cluster = new FakeCluster();
    cluster.fault = ({ path }) => (path.endsWith('/user-a') ? status(401) : undefined);
    await expect(apply(cluster, USERS, { concurrency: 2 })).rejects.toMatchObject({
      failure: 'unauthorized',
    });
    // What was under way came to its end.
    expect(cluster.objects.size).toBe(1);
  });

  test('who runs it can end it between two reports', async () => {
    const cluster = new FakeCluster();
    await apply(cluster, [CART_REPORT]);
    let steps = 0;
    const onStep = (): void => {
      steps += 1;
      if (steps === 3) throw new RangeError('enough');
    };
    await expect(apply(cluster, USERS, { onStep, concurrency: 1 })).rejects.toThrow('enough');
    expect([steps, cluster.objects.size]).toEqual([3, 3]);
    steps = -100;
    await apply(cluster, USERS, { onStep });
    // What is deleted is a step as well.
    expect(steps).toBe(-100 + USERS.length + 1);
  });

  test('a bug is not taken for a refusal', async () => {
    const cluster = new FakeCluster();
    cluster.fault = (request) => {
      if (isWrite(request)) throw new TypeError('bug');
      return undefined;
    };
    await expect(apply(cluster, USERS)).rejects.toThrow(TypeError);
  });

  test('what the server says is bounded, and on one line', async () => {
    const cluster = new FakeCluster();
    cluster.fault = () => status(403, { message: `\u001b[31m\n${'x'.repeat(1000)}` });
    const error: unknown = await apply(cluster, []).catch((reason: unknown) => reason);
    const { message } = error as KubeError;
    expect(message).toMatch(/: 403 \\u\{1b\}\[31m\\u\{a\}x+…$/);
    expect(message.length).toBeLessThan(700);
  });
});

test('reports of another cluster are not ours to change', async () => {
  const cluster = new FakeCluster();
  await apply(cluster, [CART_REPORT]);
  const test = { ...CART_REPORT, spec: { ...CART_REPORT.spec, cluster: 'test' } };
  cluster.sent.length = 0;
  expect(await apply(cluster, [test], { cluster: 'test' })).toMatchObject([
    { result: 'failed', error: { failure: 'conflict' } },
  ]);
  expect(cluster.writes).toEqual([]);
  await expect(apply(cluster, [test])).rejects.toThrow('is a report of another cluster');
  await expect(apply(cluster, [CART_REPORT, CART_REPORT])).rejects.toThrow(
    'two reports would stand at shop/sa-cart',
  );
});

test('no more are written at the same time than asked for', async () => {
  for (const concurrency of [1, 3]) {
    const cluster = new FakeCluster();
    await apply(cluster, USERS, { concurrency });
    expect(cluster.most).toBe(concurrency);
  }
  for (const concurrency of [0, -1, 1.5]) {
    await expect(apply(new FakeCluster(), USERS, { concurrency })).rejects.toThrow(RangeError);
  }
});
