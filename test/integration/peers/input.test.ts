// Rows 20 and 21: what is read, and what a bad record costs.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { ownFolder, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, linesOf, logOf } from '../support/log.ts';
import { rulesOf } from '../support/rbac.ts';
import { WRAPPINGS } from '../support/wrappings.ts';

const folder = ownFolder();
const EVENTS = [
  ask(ALICE, 'list pods ns1'),
  ask(ALICE, 'get secrets ns1 "quoted"', { requestURI: '/api/v1/namespaces/ns1/secrets/%22quoted%22' }),
  ask(BOB, 'list nodes'),
  ask(ALICE, 'create pods/exec ns1 p1'),
];
const RULES = {
  'Role ns1': ['list pods', 'create pods/exec [p1]', 'get secrets ["quoted"]'],
  ClusterRole: ['list nodes'],
};
const LOG = logOf(EVENTS);

async function generateAll(...inputs: string[]) {
  const outcome = await leastwise([
    'generate',
    '--all',
    '--strict',
    ...inputs.flatMap((input) => ['-f', input]),
  ]);
  return { ...outcome, rules: rulesOf(outcome.stdout) };
}

/** A zstd frame of raw blocks (RFC 8878 §3.1.1), for which nothing needs to be compressed. */
function zstd(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(3);
  head.writeUIntLE(bytes.length * 8 + 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]), head, bytes]);
}

describe('row 20: input', () => {
  test.each(Object.entries(WRAPPINGS))('%s', async (_, wrap) => {
    const { code, stderr, rules } = await generateAll(await written(folder('audit'), wrap(linesOf(EVENTS))));
    expect(stderr).not.toContain('error');
    expect([code, rules]).toEqual([0, RULES]);
  });

  test('.gz, of several members, and .zst, whatever they are called', async () => {
    const half = LOG.indexOf('\n') + 1;
    const members = Buffer.concat([gzipSync(LOG.slice(0, half)), gzipSync(LOG.slice(half))]);
    expect((await generateAll(await written(folder('audit.log.gz'), members))).rules).toEqual(RULES);
    expect((await generateAll(await written(folder('audit.log.zst'), zstd(LOG)))).rules).toEqual(RULES);
    expect((await generateAll(await written(folder('audit.log'), members))).rules).toEqual(RULES);
  });

  test('several files, globs, folders, and none of them twice', async () => {
    const lines = linesOf(EVENTS);
    const root = dirname(folder('x'));
    for (const [index, line] of lines.entries()) {
      await written(join(root, index % 2 === 0 ? 'logs' : 'logs/old', `audit-${index}.log`), `${line}\n`);
    }
    const all = lines.map((_, index) =>
      join(root, index % 2 === 0 ? 'logs' : 'logs/old', `audit-${index}.log`),
    );
    for (const inputs of [all, [join(root, 'logs/**/*.log')], [join(root, 'logs')]]) {
      const { rules, stderr } = await generateAll(...inputs);
      expect(rules).toEqual(RULES);
      expect(stderr).toContain('in 4 sources: 4 events, 4 requests counted');
    }
    const { stderr } = await generateAll(...all, join(root, 'logs'));
    expect(stderr).toContain('in 4 sources: 4 events, 4 requests counted');
  });

  test('standard input, and a URL', async () => {
    const { stdout } = await leastwise(['generate', '--all', '-q', '-f', '-'], { stdin: LOG });
    expect(rulesOf(stdout)).toEqual(RULES);
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/audit.log.gz' ? 200 : 404;
      response.end(response.statusCode === 200 ? gzipSync(LOG) : 'no');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect((await generateAll(`${url}/audit.log.gz`)).rules).toEqual(RULES);
      expect((await generateAll(`${url}/nothing`)).code).toBe(2);
    } finally {
      server.close();
    }
  });
});

describe('row 20: GKE, whose entries have neither URI nor objectRef', () => {
  const entry = (methodName: string, resourceName: string, fields: object = {}): string =>
    JSON.stringify({
      protoPayload: {
        '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
        serviceName: 'k8s.io',
        authenticationInfo: { principalEmail: 'alice' },
        methodName,
        resourceName,
      },
      labels: { 'authorization.k8s.io/decision': 'allow' },
      insertId: `${methodName} ${resourceName}`,
      timestamp: '2026-03-02T10:00:00.123456789Z',
      ...fields,
    });

  test.each([
    ['io.k8s.core.v1.pods.list', 'core/v1/namespaces/ns1/pods', { 'Role ns1': ['list pods'] }],
    [
      'io.k8s.core.v1.pods.exec.create',
      'core/v1/namespaces/ns1/pods/p/exec',
      { 'Role ns1': ['create pods/exec [p]'] },
    ],
    [
      'io.k8s.apps.v1.deployments.scale.update',
      'apps/v1/namespaces/ns1/deployments/web/scale',
      { 'Role ns1': ['update apps:deployments/scale [web]'] },
    ],
    [
      'com.coreos.etcd.database.v1beta2.etcdbackups.create',
      'database.etcd.coreos.com/v1beta2/namespaces/ns1/etcdbackups/nightly',
      { 'Role ns1': ['create database.etcd.coreos.com:etcdbackups'] },
    ],
    [
      'io.k8s.authorization.rbac.v1.clusterroles.get',
      'rbac.authorization.k8s.io/v1/clusterroles/view',
      { ClusterRole: ['get rbac.authorization.k8s.io:clusterroles [view]'] },
    ],
    ['io.k8s.core.v1.namespaces.get', 'core/v1/namespaces/prod', { 'Role prod': ['get namespaces [prod]'] }],
    ['io.k8s.get', 'metrics', { ClusterRole: ['get /metrics'] }],
  ])('%s of %s', async (method, resource, rules) => {
    const { stdout, code } = await leastwise(['generate', '-f', '-', '--user', 'alice', '--strict'], {
      stdin: `${entry(method, resource)}\n`,
    });
    expect([code, rulesOf(stdout)]).toEqual([0, rules]);
  });

  test('a refusal is status 7, and Google\u2019s own services are skipped', async () => {
    const refused = JSON.parse(entry('io.k8s.core.v1.pods.list', 'core/v1/namespaces/ns1/pods')) as {
      protoPayload: object;
    };
    const stdin = JSON.stringify([
      {
        ...refused,
        labels: {},
        protoPayload: { ...refused.protoPayload, status: { code: 7, message: 'Forbidden' } },
      },
      { ...refused, protoPayload: { ...refused.protoPayload, serviceName: 'container.googleapis.com' } },
    ]);
    const { code, stderr } = await leastwise(['generate', '-f', '-', '--user', 'alice'], { stdin });
    expect(code).toBe(1);
    expect(stderr).toContain('1 gke-other-service');
    expect(stderr).toContain('1 requests, never granted by asking');
  });
});

describe('row 21: bad input', () => {
  const [first = '', second = '', ...rest] = linesOf(EVENTS);
  const long = 'x'.repeat(10 << 20);

  // In each, the first line is good, then comes what is bad, then all other lines.
  test.each([
    ['a corrupt line', `{"kind":"Event","apiVersion":"audit.k8s.io/v1","au\u0000\u0001ditID":::\n`, 1],
    ['a line that was cut in the middle', `${second.slice(0, 200)}\n`, 1],
    ['a line of 10 MB that is no JSON', `${long}\n`, 1],
    ['a line of 10 MB that begins as an event', `${second.slice(0, 200)}${long}\n`, 1],
    ['two corrupt lines', `{"a":\n}{"kind"\n`, 2],
    ['text', `E1121 05:24:58.000000 panic: runtime error\n`, 1],
    [
      'an event without a time',
      `${second.replaceAll(/"(?:requestReceived|stage)Timestamp":"[^"]*",/g, '')}\n`,
      1,
    ],
    ['an event whose verb is an object', `${second.replace('"verb":"get"', '"verb":{"a":1}')}\n`, 1],
    ['an event of an unknown version', `${second.replace('audit.k8s.io/v1', 'audit.k8s.io/v9')}\n`, 1],
  ])('%s in the middle costs nothing but itself', async (_, bad, records) => {
    const letters = folder('dead-letters.jsonl');
    await mkdir(dirname(letters), { recursive: true });
    const log = await written(folder('audit.log'), `${first}\n${bad}${[second, ...rest].join('\n')}\n`);
    const args = ['generate', '--all', '-f', log, '--dead-letter', letters];
    const { code, stdout, stderr } = await leastwise(args);
    expect([code, rulesOf(stdout)]).toEqual([0, RULES]);
    expect(stderr).toContain(`unreadable   ${records} record`);
    const told = (await readFile(letters, 'utf8')).trimEnd().split('\n');
    expect(told.map((letter) => JSON.parse(letter) as unknown)).toMatchObject(
      Array.from({ length: records }, (__, index) => ({ origin: log, line: 2 + index })),
    );
    expect((await stat(letters)).mode & 0o077).toBe(0);
  });

  test.each([
    ['cut in the middle of a line', second.slice(0, 300)],
    ['cut in the middle of a string', second.slice(0, second.indexOf('system:') + 3)],
    ['cut before the last brace', second.slice(0, -1)],
    [
      'cut within a UTF-8 character',
      Buffer.from(second.replace('alice', 'al\u00EFce')).subarray(0, second.indexOf('alice') + 3),
    ],
  ])('a log that is still written, %s, ends', async (_, tail) => {
    const bytes = Buffer.concat([Buffer.from(`${[first, ...rest].join('\n')}\n`), Buffer.from(tail)]);
    const { code, stdout, stderr } = await leastwise([
      'generate',
      '--all',
      '-f',
      await written(folder('a.log'), bytes),
    ]);
    expect(code).toBe(0);
    expect(rulesOf(stdout)).toEqual({ ...RULES, 'Role ns1': ['list pods', 'create pods/exec [p1]'] });
    expect(stderr).toContain('unreadable   1 record');
    expect(stderr).toMatch(/a\.log:4: truncated/);
  });

  test('a compressed log that was cut is used as far as it goes', async () => {
    const many = logOf(Array.from({ length: 2000 }, (_, i) => ask(ALICE, `get pods ns1 p${i}`)));
    const bytes = gzipSync(many);
    const { code, stdout, stderr } = await leastwise([
      'generate',
      '--all',
      '-f',
      await written(folder('audit.log.gz'), bytes.subarray(0, bytes.length >> 1)),
    ]);
    expect([code, rulesOf(stdout)]).toEqual([0, { 'Role ns1': ['get pods'] }]);
    expect(stderr).toContain('invalid-compression');
  });

  test('what is no audit event is skipped and counted, not bad', async () => {
    const others = [
      '{"kind":"Event","apiVersion":"v1","metadata":{"name":"x"},"reason":"Started"}',
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      '{"level":"info","msg":"hello"}',
      '42',
      'null',
      '[]',
    ];
    const { code, stderr, rules } = await generateAll(
      await written(folder('audit.log'), `${others.join('\n')}\n${LOG}`),
    );
    expect([code, rules]).toEqual([0, RULES]);
    expect(stderr).toContain('1 core-event');
    expect(stderr).toContain('1 admission-review');
  });
});
