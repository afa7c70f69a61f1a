import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { KubeError } from './kube-error.ts';
import { loadKubeConfig } from './kubeconfig.ts';

const CONFIG = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'one', cluster: { server: 'https://one.example', 'certificate-authority': 'ca.pem' } },
    { name: 'odd', cluster: { server: 'https://user:pw@odd.example' } },
    { name: 'ftp', cluster: { server: 'ftp://odd.example' } },
  ],
  users: [{ name: 'me', user: { token: 'secret-4711' } }],
  contexts: [
    { name: 'good', context: { cluster: 'one', user: 'me' } },
    { name: 'no-cluster', context: { cluster: 'two', user: 'me' } },
    { name: 'no-user', context: { cluster: 'one', user: 'you' } },
    { name: 'odd', context: { cluster: 'odd', user: 'me' } },
    { name: 'ftp', context: { cluster: 'ftp', user: 'me' } },
  ],
  'current-context': 'good',
};

let dir = '';
let file = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'leastwise-kubeconfig-'));
  file = join(dir, 'config');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

async function messageOf(options: Parameters<typeof loadKubeConfig>[0]): Promise<string> {
  const error: unknown = await loadKubeConfig(options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'KubeError', code: 'LW_KUBE', failure: 'configuration' });
  expect((error as KubeError).cause).toBeUndefined();
  return (error as KubeError).message.replaceAll(dir, 'DIR');
}

describe('a kubeconfig', () => {
  test('is read with its current context, or the one that is named; paths are relative to it', async () => {
    await writeFile(file, JSON.stringify(CONFIG));
    const config = await loadKubeConfig({ kubeconfigFile: file });
    expect(config.getCurrentCluster()).toMatchObject({
      server: 'https://one.example',
      caFile: join(dir, 'ca.pem'),
    });
    expect(config.getCurrentUser()?.token).toBe('secret-4711');
    await writeFile(file, JSON.stringify({ ...CONFIG, 'current-context': 'odd' }));
    const named = await loadKubeConfig({ kubeconfigFile: file, context: 'good' });
    expect(named.getCurrentContext()).toBe('good');
  });

  test.each([
    [
      'no-such',
      'the kubeconfig DIR/config has no context "no-such"; it has ["good","no-cluster","no-user","odd","ftp"]',
    ],
    [
      'no-cluster',
      'the kubeconfig DIR/config: context "no-cluster" names the cluster "two", which is not there',
    ],
    ['no-user', 'the kubeconfig DIR/config: context "no-user" names the user "you", which is not there'],
    [
      'odd',
      "the kubeconfig DIR/config: the server's address must be http(s) without user, query and fragment",
    ],
    [
      'ftp',
      "the kubeconfig DIR/config: the server's address must be http(s) without user, query and fragment",
    ],
  ])('with a bad context %s says so', async (context, message) => {
    await writeFile(file, JSON.stringify(CONFIG));
    expect(await messageOf({ kubeconfigFile: file, context })).toBe(message);
  });

  test.each([
    ['', 'it is no kubeconfig'],
    ['hello', 'has no current context: name one'],
    ['apiVersion: v1\nclusters: []\n', 'has no current context: name one'],
    ['clusters: [{name: a, cluster: {}}]', 'clusters[0].cluster.server is missing'],
    ['token: secret-4711\n  bad: [\n', 'it is not YAML (line 2)'],
  ])('%j is refused without quoting it', async (text, words) => {
    await writeFile(file, text);
    const message = await messageOf({ kubeconfigFile: file });
    expect(message).toContain(words);
    expect(message).not.toContain('secret-4711');
  });

  test('that cannot be read is named', async () => {
    expect(await messageOf({ kubeconfigFile: file })).toBe(
      'the kubeconfig DIR/config cannot be read (ENOENT)',
    );
  });

  test('is asked for where this is no pod: nothing is guessed', async () => {
    await writeFile(file, JSON.stringify(CONFIG));
    vi.stubEnv('KUBECONFIG', file);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '');
    expect(await messageOf({})).toContain('no kubeconfig is given, and this is no pod');
  });
});
