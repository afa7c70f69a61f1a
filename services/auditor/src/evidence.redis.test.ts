import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadConfig } from '@leastwise/runtime';
import { closeRedis, connectRedis, RedisStore } from '@leastwise/state-redis';
import { lacksRedis, startRedis } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { type AuditorConfig, configSchema } from './config.ts';
import { configProblems } from './config-problems.ts';
import { EvidenceReader, redisEvidence } from './evidence-reader.ts';
import { A_HUNDRED_DAYS, count, listeningLog } from './testing/uses.ts';

function configOf(...argv: readonly string[]): AuditorConfig {
  const config = loadConfig({ service: 'auditor', schema: configSchema, env: {}, argv });
  if (!config.ok) throw new Error(config.problems.join('\n'));
  return config.value;
}

const isLacking = await lacksRedis();

describe.skipIf(isLacking)('evidence in Redis', () => {
  test('is read as aggregators left it, and where Redis goes away nothing is known until it is back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'leastwise-auditor-redis-'));
    let server = await startRedis({ dir });
    const { port } = new URL(server.url);
    const connection = await connectRedis({ target: { url: server.url } });
    await count(new RedisStore(connection, { prefix: 'lw:', dedupeHours: 100 }), A_HUNDRED_DAYS);
    await closeRedis(connection);
    const config = configOf(`--redis.nodes=127.0.0.1:${port}`, '--redis.prefix=lw:', '--outage=1s');
    const { log, said } = listeningLog();
    const open = redisEvidence(config, log);
    if (!open) throw new Error('no Redis is configured');
    {
      await using reader = new EvidenceReader(open, log);
      const evidence = await reader.read();
      expect([...(evidence?.clusters.keys() ?? [])]).toEqual(['prod']);
      expect(evidence?.lost).toBe(0);
      await server[Symbol.asyncDispose]();
      expect(await reader.read()).toBeUndefined();
      expect(await reader.read()).toBeUndefined();
      const warnings = said.filter((each) => each.startsWith('nothing is called unused'));
      expect(warnings).toHaveLength(1);
      server = await startRedis({ dir, port: Number(port) });
      expect([...((await reader.read())?.clusters.keys() ?? [])]).toEqual(['prod']);
    }
    await server[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });
});

describe('the way to Redis', () => {
  test('is none unless a server is named', () => {
    expect(redisEvidence(configOf(), listeningLog().log)).toBeUndefined();
  });

  test('and what stands in the way is told before the start', async () => {
    const flags = ['--redis.nodes=redis', '--redis.tls.enabled=true', '--redis.tls.caFile=/nonexistent/ca'];
    const kubeconfig = join(tmpdir(), 'leastwise-no-kubeconfig');
    const config = { ...configOf(...flags), auditPolicies: { prod: '/nonexistent/policy.yaml' } };
    const clusters = { prod: { kubeconfigFile: kubeconfig, inCluster: false } };
    const problems = await configProblems({ ...config, clusters });
    expect(problems.slice(1)).toEqual([
      'redis.nodes: "redis" is not host:port',
      'redis.tls.caFile: cannot read /nonexistent/ca',
      expect.stringMatching(/^auditPolicies\.prod: ENOENT/),
    ]);
  });
});
