import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { ownFolder } from '../testing/command.ts';
import { secretOf, type SecretSources } from './config-secret.ts';
import { ConfigView } from './config-view.ts';

const free = ownFolder();

function file(name: string, text: string): string {
  const path = join(free(), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function printed(origin: string): ConfigView {
  return new ConfigView(
    `logLevel: info # default\nredis:\n  db: 0 # default\n  password: "***" # ${origin}\n`,
  );
}

const NOWHERE: SecretSources = { argv: [], env: {} };

async function revealed(origin: string, sources = NOWHERE): Promise<string | undefined> {
  return (await secretOf(printed(origin), 'redis.password', sources))?.reveal();
}

describe('a secret that is hidden when the configuration is printed', () => {
  test('is read in the file of the configuration', async () => {
    expect(await revealed(`${file('a.yaml', 'redis:\n  password: hunter2\n')}:2`)).toBe('hunter2');
  });

  test('is read in the file that the configuration names, without the newline at its end', async () => {
    const secret = file('secret', 'hunter3\n');
    expect(await revealed(`${file('a.yaml', `redis: {passwordFile: ${secret}}\n`)}:1`)).toBe('hunter3');
  });

  test('is read in the environment, by itself or by its file', async () => {
    const secret = file('secret', 'hunter4');
    const env = {
      LEASTWISE_AGGREGATOR_REDIS_PASSWORD: 'hunter2',
      LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE: secret,
    };
    expect(await revealed('LEASTWISE_AGGREGATOR_REDIS_PASSWORD', { argv: [], env })).toBe('hunter2');
    expect(await revealed('LEASTWISE_AGGREGATOR_REDIS_PASSWORD_FILE', { argv: [], env })).toBe('hunter4');
  });

  test.each([
    [['--redis.password=a=b'], 'a=b'],
    [['--redis.db=1', '--redis.password', 'x'], 'x'],
  ])('is read from the flags %j', async (argv, expected) => {
    expect(await revealed('--redis.password', { argv, env: {} })).toBe(expected);
  });

  test('is none where there is none', async () => {
    expect(
      await secretOf(new ConfigView('redis:\n  db: 0 # default\n'), 'redis.password', NOWHERE),
    ).toBeUndefined();
  });

  test.each(['/not/there.yaml:3', 'LEASTWISE_AGGREGATOR_REDIS_PASSWORD', '--redis.password'])(
    'is told of where %s does not have it',
    async (origin) => {
      await expect(revealed(origin)).rejects.toThrow(/^redis\.password cannot be read/);
    },
  );

  test('is told of without its path, where its file is not there: the path may be the secret', async () => {
    const origin = `${file('a.yaml', 'redis: {passwordFile: hunter2}\n')}:1`;
    await expect(revealed(origin)).rejects.toThrow(/^the file of redis\.password cannot be read$/);
  });

  test('shows itself nowhere', async () => {
    const hidden = await secretOf(
      printed(`${file('a.yaml', 'redis: {password: hunter2}\n')}:1`),
      'redis.password',
      NOWHERE,
    );
    for (const text of [String(hidden), JSON.stringify({ hidden }), inspect(hidden)]) {
      expect(text).not.toContain('hunter2');
    }
  });
});

describe('a printed configuration', () => {
  const view = new ConfigView(
    'kafka:\n  # a.yaml:2\n  brokers:\n    - k1:9092\n    - 7\n  tls:\n    enabled: true # a.yaml:4\n  port: 9 # default\nclusters:\n  prod: {inCluster: true}\n',
  );

  test('gives texts, numbers, switches, lists and keys', () => {
    expect(view.texts('kafka.brokers')).toEqual(['k1:9092']);
    expect(view.isOn('kafka.tls.enabled')).toBe(true);
    expect([view.number('kafka.port', 1), view.text('kafka.port')]).toEqual([9, '9']);
    expect(view.keys('clusters')).toEqual(['prod']);
    expect(view.originOf('kafka.tls.enabled')).toBe('a.yaml:4');
  });

  test('gives nothing for what is not there', () => {
    expect([
      view.text('kafka.x.y'),
      view.number('x', 5),
      view.isOn('x'),
      view.texts('x'),
      view.keys('x'),
    ]).toEqual([...[undefined, 5, false, [], []]]);
    expect(view.originOf('x')).toBeUndefined();
    expect([view.isEmpty, new ConfigView('').isEmpty]).toEqual([false, true]);
  });
});
