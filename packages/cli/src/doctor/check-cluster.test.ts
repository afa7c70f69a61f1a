import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { ownFolder } from '../testing/command.ts';
import { clusterCheck, clustersOf } from './check-cluster.ts';
import { ConfigView } from './config-view.ts';

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

async function found(kubeconfigFile: string): Promise<string[]> {
  const check = clusterCheck({ name: 'prod', kubeconfigFile, context: undefined }, 5000);
  return (await check.look(NEVER)).map(({ outcome, says }) => `${outcome}: ${says}`);
}

const VERSION = '{"gitVersion": "v1.34.2"}';

describe('a cluster', () => {
  test('that lets us read all', async () => {
    const paths: string[] = [];
    const file = await kubeconfigOf((request, response) => {
      paths.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.end(request.url === '/version' ? VERSION : '{"items":[]}');
    });
    const said = await found(file);
    expect(said).toEqual([
      expect.stringMatching(/^ok: http:\/\/127\.0\.0\.1:\d+ answers, Kubernetes v1\.34\.2$/),
      'ok: it differs from ours by less than 30 s',
      'ok: we may list Roles, ClusterRoles, RoleBindings, ClusterRoleBindings, Namespaces, ServiceAccounts, RBACViolations',
      'skipped: what we may write is not tried, for that would write',
    ]);
    // It only looks, and at one object of a kind.
    expect(paths.every((path) => path === 'GET /version' || /^GET \/api.*\?limit=1$/.test(path))).toBe(true);
  });

  test('that refuses some, lacks the definitions, or fails', async () => {
    const file = await kubeconfigOf((request, response) => {
      const url = request.url ?? '';
      if (url.includes('clusterroles?')) response.statusCode = 403;
      if (url.includes('leastwise.dev')) response.statusCode = 404;
      if (url.includes('namespaces')) response.statusCode = 500;
      response.end(VERSION);
    });
    expect((await found(file)).filter((each) => each.startsWith('failed'))).toEqual([
      'failed: we may not list ClusterRoles',
      'failed: it has no RBACViolations',
      'failed: Namespaces: the answer was 500',
    ]);
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

  test('an auditor names its clusters, or means the one that it runs in', () => {
    const of = (printed: string) =>
      clustersOf({
        service: 'auditor',
        file: 'f',
        view: new ConfigView(printed),
        problems: [],
        sources: { argv: [], env: {} },
      });
    expect(of('logLevel: info\n')).toEqual([
      { name: 'default', kubeconfigFile: undefined, context: undefined },
    ]);
    expect(of('clusters:\n  a:\n    kubeconfigFile: k\n    context: x\n  b:\n    inCluster: true\n')).toEqual(
      [
        { name: 'a', kubeconfigFile: 'k', context: 'x' },
        { name: 'b', kubeconfigFile: undefined, context: undefined },
      ],
    );
  });
});
