import { setTimeout as sleep } from 'node:timers/promises';

import type { KubeClient, KubeRequest } from '@leastwise/testkit';

import { until } from '../../closed-loop/living/api.ts';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const CORE = '/api/v1/namespaces/shop';
const SCALE = '/apis/apps/v1/namespaces/shop/deployments/web/scale';
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/shop/leases/leader';
const named = (name: string) => ({ metadata: { name } });

/** What the workload finds in its namespace. */
export const SURROUNDINGS = [
  { apiVersion: 'v1', kind: 'Namespace', ...named('shop') },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'api-key', namespace: 'shop' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db-password', namespace: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { containers: [{ name: 'web', image: 'web' }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web' }] },
      },
    },
  },
  { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'leader', namespace: 'shop' } },
] as const;

/** The same in each round, so that the evidence is whole after the first one. */
const ROUND: readonly KubeRequest[] = [
  { method: 'GET', path: CORE },
  { method: 'GET', path: `${CORE}/pods` },
  { method: 'GET', path: `${CORE}/pods?watch=true&timeoutSeconds=1` },
  { method: 'GET', path: `${CORE}/pods/web` },
  { method: 'GET', path: `${CORE}/services` },
  { method: 'GET', path: `${CORE}/secrets/api-key` },
  { method: 'GET', path: `${CORE}/configmaps/settings` },
  { method: 'PATCH', path: `${CORE}/configmaps/settings`, body: { data: { mode: 'fast' } }, headers: MERGE },
  {
    method: 'PUT',
    path: `${CORE}/configmaps/settings`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', ...named('settings'), data: { mode: 'safe' } },
  },
  {
    method: 'POST',
    path: `${CORE}/configmaps`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', ...named('checkpoint') },
  },
  { method: 'DELETE', path: `${CORE}/configmaps/checkpoint` },
  { method: 'GET', path: SCALE },
  { method: 'PATCH', path: SCALE, body: { spec: { replicas: 2 } }, headers: MERGE },
  { method: 'GET', path: LEASE },
  { method: 'PATCH', path: LEASE, body: { spec: { holderIdentity: 'web' } }, headers: MERGE },
  // What the roles that come with Kubernetes grant to everybody.
  {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'shop' } },
    },
  },
];

/** What it never asks for: another secret than its own. */
export const NEVER_MADE: KubeRequest = { method: 'GET', path: `${CORE}/secrets/db-password` };
/** The same as the authorizer is asked. */
export const NEVER_MADE_ATTRIBUTES = {
  verb: 'get',
  resource: 'secrets',
  namespace: 'shop',
  name: 'db-password',
} as const;

/** A program that makes the same requests over and over, each after the answer to the one before. */
export class Workload {
  /** Requests that were answered with anything but success, with the answer. */
  readonly failures: string[] = [];
  readonly #client: KubeClient;
  readonly #ended: Promise<void>;
  #isStopping = false;
  #rounds = 0;
  #requests = 0;

  /** Begins at once. */
  constructor(client: KubeClient) {
    this.#client = client;
    this.#ended = this.#run();
    this.#ended.catch(() => undefined);
  }

  /** How many requests were answered. */
  get requests(): number {
    return this.#requests;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      for (const request of ROUND) {
        const { status, text } = await this.#client.send(request);
        this.#requests += 1;
        if (status < 200 || status >= 300) {
          this.failures.push(`${request.method} ${request.path}: ${status} ${text.slice(0, 300)}`);
        }
      }
      this.#rounds += 1;
      await sleep(50);
    }
  }

  /** Resolves when that many whole rounds were made from now on. @throws Error where it ended, or does not get on */
  async rounds(count: number): Promise<void> {
    // The one that is under way began before.
    const end = this.#rounds + count + 1;
    await Promise.race([
      this.#ended,
      until(`${count} rounds`, async () => this.#rounds >= end, 10_000 + count * 5000),
    ]);
  }

  /** Resolves after the round that is under way. @throws Error of the connection, where that ended it */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#ended;
  }
}
