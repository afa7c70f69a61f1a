import { loadConfig } from '@leastwise/runtime';
import { describe, expect, it } from 'vitest';

import { topicsOf } from './aggregator.ts';
import { type AggregatorConfig, configSchema } from './config.ts';

function configOf(...flags: readonly string[]): AggregatorConfig {
  const argv = ['--kafka.brokers=localhost:1', ...flags];
  const config = loadConfig({ service: 'aggregator', schema: configSchema, env: {}, argv });
  if (!config.ok) throw new Error(config.problems.join('; '));
  return config.value;
}

function read(config: AggregatorConfig, topic: string): boolean {
  return topicsOf(config).some((each) =>
    typeof each === 'string' ? each === topic : new RegExp(`^(?:${each.source})$`).test(topic),
  );
}

describe('the topics that are read', () => {
  it('are those named, each with the one for what is produced again', () => {
    expect(topicsOf(configOf('--kafka.topics=a,b'))).toEqual(['a', 'a-keyed', 'b', 'b-keyed']);
  });

  it.each(['audit.*', '.*', 'audit-dead|audit-x', 'audit-[a-z]+'])(
    'never are the dead letters: %s',
    (pattern) => {
      const config = configOf(`--kafka.topicPattern=${pattern}`, '--kafka.deadLetterTopic=audit-dead');
      expect(read(config, 'audit-dead')).toBe(false);
      expect(read(config, 'audit-dead-keyed')).toBe(false);
      expect(read(config, 'audit-x')).toBe(true);
      expect(read(config, 'audit-x-keyed')).toBe(true);
    },
  );

  it.each(['--kafka.topics=a,leastwise-dead-letters', '--kafka.topics='])('are refused: %s', (flag) => {
    expect(() => topicsOf(configOf(flag))).toThrow(/kafka\./);
  });
});
