import { readFileSync } from 'node:fs';

import { configJsonSchema, loadConfig } from '@leastwise/runtime';
import { describe, expect, it } from 'vitest';

import { type AggregatorConfig, configSchema } from './config.ts';
import { configProblems } from './config-problems.ts';

function configOf(...flags: readonly string[]): AggregatorConfig {
  const argv = ['--kafka.brokers=k:9092', ...flags];
  const config = loadConfig({ service: 'aggregator', schema: configSchema, env: {}, argv });
  if (!config.ok) throw new Error(config.problems.join('\n'));
  return config.value;
}

describe('what is wrong with a configuration that fits the schema', () => {
  it('is nothing where it can be used', async () => {
    expect(await configProblems(configOf('--kafka.topics=audit'))).toEqual([]);
    const sentinel = ['--redis.mode=sentinel', '--redis.nodes=a:1,b:2', '--redis.masterName=m'];
    expect(await configProblems(configOf('--kafka.topicPattern=audit-.*', ...sentinel))).toEqual([]);
  });

  it('is told all at once', async () => {
    const flags = [
      ...['--kafka.topicPattern=(', '--cluster.topicPattern=)', '--kafka.sasl.mechanism=plain'],
      ...[
        '--kafka.tls.enabled=true',
        '--kafka.tls.caFile=/nonexistent/a',
        '--kafka.tls.keyFile=/nonexistent/b',
      ],
      ...['--redis.mode=sentinel', '--redis.tls.enabled=true', '--redis.tls.certFile=/nonexistent/c'],
    ];
    expect(await configProblems(configOf(...flags))).toEqual([
      'kafka.topicPattern is no regular expression',
      'cannot read /nonexistent/a',
      'cannot read /nonexistent/b',
      'kafka.sasl.username and kafka.sasl.password go with plain',
      'cluster.topicPattern is no regular expression',
      'redis.masterName goes with redis.mode sentinel',
      'cannot read /nonexistent/c',
    ]);
  });

  it('are files that nobody reads only where TLS is on', async () => {
    const flags = ['--kafka.topics=audit', '--kafka.tls.caFile=/nonexistent/a'];
    expect(await configProblems(configOf(...flags))).toEqual([]);
  });
});

describe('the JSON Schema for editors', () => {
  it('is that of the sources: `npm run schema` writes it', () => {
    const file = new URL('../../../deploy/schema/aggregator.schema.json', import.meta.url);
    const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
    // As text, for the order of the keys is what people read.
    expect(JSON.stringify(written)).toBe(JSON.stringify(configJsonSchema(configSchema)));
  });
});
