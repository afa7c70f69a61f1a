import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { ownFolder } from '../testing/command.ts';
import { auditedClusters, clusterCheck, reportClusters } from './check-cluster.ts';
import { auditorUse, publisherUse } from './cluster-needs.ts';
import { ConfigView } from './config-view.ts';
import type { Verdict } from './verdict.ts';

const free = ownFolder();
const NEVER = new AbortController().signal;
const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A kubeconfig of an API server that answers so. */
async function kubeconfigOf(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return kubeconfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function kubeconfig(server: string): string {
  const path = join(free(), 'kubeconfig');
  mkdirSync(dirname(path), { recursive: true });
  const text = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path, JSON.stringify(text));
  return path;
}

const USE = auditorUse(new ConfigView('logLevel: info\n'));

async function verdicts(kubeconfigFile: string): Promise<readonly Verdict[]> {
  const check = clusterCheck({ name: 'prod', kubeconfigFile, context: undefined, use: USE }, 5000);
  return check.look(NEVER);
}

async function found(kubeconfigFile: string): Promise<string[]> {
  return (await verdicts(kubeconfigFile)).map(({ outcome, says }) => `${outcome}: ${says}`);
}

const VERSION = '{"gitVersion": "v1.34.2"}';

/** An API server that answers to everything, and to access reviews as it is told. */
function server(
  may: (asked: { verb: string; resource: string; subresource?: string }) => boolean,
  statuses: readonly (readonly [part: string, status: number])[] = [],
): RequestListener {
  return (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const url = request.url ?? '';
      response.statusCode = statuses.find(([part]) => url.includes(part))?.[1] ?? 200;
      if (url !== REVIEWS) {
        response.end(url === '/version' ? VERSION : '{"items":[]}');
        return;
      }
      const { spec } = JSON.parse(body) as { spec: { resourceAttributes: Parameters<typeof may>[0] } };
      response.end(JSON.stringify({ status: { allowed: may(spec.resourceAttributes) } }));
    });
  };
}
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

describe('a cluster', () => {
  test('that lets us do all of it, and is only looked at', async () => {
    const requests: string[] = [];
    const answer = server(() => true);
    const file = await kubeconfigOf((request, response) => {
      requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      answer(request, response);
    });
    expect(await found(file)).toEqual([
      expect.stringMatching(/^ok: http:\/\/127\.0\.0\.1:\d+ answers, Kubernetes v1\.34\.2$/),
      'ok: it differs from ours by less than 30 s',
      'ok: it has RBACViolations',
      'ok: it has namespace leastwise-system',
      'ok: we may do all that the auditor does',
    ]);
    const others = requests.filter((each) => each !== `POST ${REVIEWS}`);
    expect(others.every((each) => /^GET (?:\/version|\/api.*\?limit=1)$/.test(each))).toBe(true);
    // One question for each verb that the auditor uses.
    expect(requests.length - others.length).toBe(USE.needs.flatMap(({ verbs }) => verbs).length);
  });

  test('that refuses some: which verbs of what, and what grants them', async () => {
    const file = await kubeconfigOf(
      server(({ verb, resource, subresource }) => {
        if (resource === 'rbacviolations')
          return subresource === undefined && verb !== 'patch' && verb !== 'delete';
        return resource !== 'leases' || verb !== 'get';
      }),
    );
    const failures = (await verdicts(file)).filter(({ outcome }) => outcome === 'failed');
    expect(failures.map(({ says }) => says)).toEqual([
      'we may not patch, delete rbacviolations of leastwise.dev',
      'we may not patch rbacviolations/status of leastwise.dev',
      'we may not get leases of coordination.k8s.io named leastwise-auditor in leastwise-system',
    ]);
    expect(new Set(failures.map(({ remedy }) => remedy))).toEqual(
      new Set(['kubectl apply -f deploy/auditor/rbac.yaml']),
    );
  });

  test('that lacks what is used, or fails, or does not say what we may do', async () => {
    const absent = await kubeconfigOf(
      server(
        () => true,
        [
          ['rbacviolations', 404],
          ['namespaces/', 500],
        ],
      ),
    );
    expect((await found(absent)).filter((each) => each.startsWith('failed'))).toEqual([
      'failed: it has no RBACViolations',
      'failed: namespace leastwise-system: the answer was 500',
    ]);
    const silent = await kubeconfigOf(server(() => true, [[REVIEWS, 403]]));
    expect(await found(silent)).toContainEqual(
      expect.stringMatching(/^skipped: it does not say what we may do: .*403/),
    );
    // What we may not look at is nothing that is missing.
    const hidden = await kubeconfigOf(server(() => true, [['namespaces/', 403]]));
    expect((await found(hidden)).filter((each) => each.includes('namespace'))).toEqual([]);
  });

  test('that does not know us', async () => {
    const file = await kubeconfigOf((_, response) => {
      response.statusCode = 401;
      response.end('{}');
    });
    expect(await found(file)).toEqual([expect.stringMatching(/^failed: .* does not know us \(401\)$/)]);
  });

  test.each([
    [-3_600_000, /^warning: it is 3(?:599|600|601) s behind ours$/],
    [3_600_000, /^warning: it is 3(?:599|600|601) s ahead of ours$/],
  ])('whose clock is off by %i ms', async (offMs, says) => {
    const file = await kubeconfigOf((_, response) => {
      response.setHeader('date', new Date(Date.now() + offMs).toUTCString());
      response.end(VERSION);
    });
    expect(await found(file)).toContainEqual(expect.stringMatching(says));
  });

  test('that is away, and a kubeconfig that is not there', async () => {
    expect(await found(kubeconfig('http://127.0.0.1:1'))).toEqual([
      expect.stringMatching(/^failed: http:\/\/127\.0\.0\.1:1: no answer/),
    ]);
    expect(await found('/not/there')).toEqual([
      expect.stringMatching(/^failed: the kubeconfig \/not\/there cannot be read/),
    ]);
  });

  const configOf = (service: 'auditor' | 'publisher', printed: string) => ({
    ...{ service, file: 'f', problems: [], sources: { argv: [], env: {} } },
    view: new ConfigView(printed),
  });

  test('an auditor names its clusters, or means the one that it runs in', () => {
    const of = (printed: string) =>
      auditedClusters(configOf('auditor', printed)).map(({ use, ...place }) => [use.who, place]);
    expect(of('logLevel: info\n')).toEqual([
      ['the auditor', { name: 'default', kubeconfigFile: undefined, context: undefined }],
    ]);
    const named = 'clusters:\n  a.b:\n    kubeconfigFile: k\n    context: x\n  b:\n    inCluster: true\n';
    expect(of(named)).toEqual([
      ['the auditor', { name: 'a.b', kubeconfigFile: 'k', context: 'x' }],
      ['the auditor', { name: 'b', kubeconfigFile: undefined, context: undefined }],
    ]);
  });

  test('a publisher names those that it keeps reports in, or none', () => {
    const of = (printed: string) => reportClusters(configOf('publisher', printed));
    expect(of('logLevel: info\n')).toEqual([]);
    const printed = 'policyReports:\n  namespace: n\n  clusters:\n    prod:\n      kubeconfigFile: k\n';
    expect(of(printed)).toEqual([
      {
        ...{ name: 'prod', kubeconfigFile: 'k', context: undefined },
        use: publisherUse(new ConfigView(printed)),
      },
    ]);
  });
});
