import { setTimeout as sleep } from 'node:timers/promises';

import { type Api, at, until } from './api.ts';
import { namespace, node, workload } from './manifests.ts';
import { deployments, endings, identities, jobs, nodes, storage, type Story } from './stories.ts';

const STORIES: readonly (readonly [string, Story])[] = [
  ['deployments', deployments],
  ['jobs', jobs],
  ['storage', storage],
  ['nodes', nodes],
  ['identities', identities],
  ['endings', endings],
];

async function tell([name, story]: readonly [string, Story], api: Api): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    await story(api, (what) => found.push(`${name}: ${what}`));
  } catch (error) {
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
  return found;
}

/** Scales up and down until the time is over, so that what controllers do now and then is seen. */
async function churn(api: Api, endMs: number): Promise<void> {
  const path = '/apis/apps/v1/namespaces/churn/deployments/churn';
  await api.create(namespace('churn'), workload('Deployment', ['churn', 'churn'], { replicas: 1 }));
  for (let turn = 0; turn < 2 || Date.now() < endMs; turn += 1) {
    const replicas = turn % 2 === 0 ? 4 : 1;
    await api.patch(`${path}/scale`, { spec: { replicas } });
    await until(
      'churn settles',
      async () => at(await api.get(path), 'status', 'availableReplicas') === replicas,
    );
    await sleep(2000);
  }
}

/**
 * Gives a cluster work for so many seconds at least, all stories at once.
 * @returns what was found to work, story by story
 * @throws Error that names what never came about
 */
export async function drive(api: Api, seconds: number): Promise<readonly string[]> {
  const endMs = Date.now() + seconds * 1000;
  await until('controllers make service accounts', async () => {
    return !(await api.isGone('/api/v1/namespaces/default/serviceaccounts/default'));
  });
  await api.create(node('one'), node('two'));
  const [, ...found] = await Promise.all([churn(api, endMs), ...STORIES.map((story) => tell(story, api))]);
  return found.flat();
}
