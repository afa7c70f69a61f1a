// `leastwise config`, which asks the built service.
import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { build, spawnLeastwise } from '../support/built.ts';
import { ownFolder, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';

const folder = ownFolder();
beforeAll(build, 600_000);

const GOOD = 'kafka:\n  brokers: [k1:9092]\n  topics: [audit]\n';

describe('config', () => {
  test('check: all is well', async () => {
    const file = await written(folder('a.yaml'), GOOD);
    expect(await leastwise(['config', 'check', '--config', file])).toMatchObject({
      code: 0,
      stdout: 'the configuration is good\n',
      stderr: '',
    });
  });

  test('check: everything that is wrong at once, and exit 78', async () => {
    const file = await written(folder('a.yaml'), 'kafka:\n  brokers: k1\n  topcis: [a]\nskew: 5\n');
    const words = ['config', 'check', '--service', 'aggregator', '--config', file, '--redis.prot', '5'];
    const { code, stdout, stderr } = await leastwise(words);
    expect([code, stdout]).toEqual([78, '']);
    for (const part of [
      'a.yaml:2: kafka.brokers',
      'a.yaml:3: kafka.topcis',
      'a.yaml:4: skew',
      '--redis.prot',
    ]) {
      expect(stderr).toContain(part);
    }
  });

  test('print: what counts, where it is from, and no secret, in a process of its own', async () => {
    const file = await written(folder('a.yaml'), `${GOOD}redis: { password: hunter2 }\n`);
    const words = ['config', 'print', '--config', file, '--kafka.groupId=mine', '--skew', '1m'];
    const env = { LEASTWISE_AGGREGATOR_REDIS_PREFIX: 'lw:' };
    const { end, stdout, stderr } = await spawnLeastwise(words, { env }).ended;
    expect([end, stderr]).toEqual([0, '']);
    expect(stdout).toContain('groupId: mine # --kafka.groupId\n');
    expect(stdout).toContain('prefix: "lw:" # LEASTWISE_AGGREGATOR_REDIS_PREFIX\n');
    expect(stdout).toContain(`password: "***" # ${file}:4\n`);
    expect(stdout).not.toContain('hunter2');
    // It reads back, but for the secret.
    const again = await written(folder('b.yaml'), stdout);
    expect((await leastwise(['config', 'check', '--config', again])).code).toBe(0);
    expect(parse(stdout)).toMatchObject({ skew: '1m', kafka: { topics: ['audit'] } });
  });

  test.each(['publisher', 'auditor'])(
    'check: the %s is asked about its own configuration',
    async (service) => {
      const file = await written(folder(`${service}.yaml`), 'nothing: like this\n');
      const { code, stderr } = await leastwise(['config', 'check', '--service', service, '--config', file]);
      expect([code, stderr]).toEqual([78, expect.stringContaining(`${service}.yaml:1: nothing: is no key`)]);
    },
  );

  test('print --json-schema: the one for editors', async () => {
    const { code, stdout } = await leastwise(['config', 'print', '--json-schema']);
    expect(code).toBe(0);
    const shipped = new URL('../../../deploy/schema/aggregator.schema.json', import.meta.url);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(shipped, 'utf8')));
  });

  test.each([
    ['neither check nor print', ['config']],
    ['an unknown word', ['config', 'chekc']],
    ['an unknown service', ['config', 'check', '--service', 'agregator']],
  ])('%s is usage', async (_, words) => {
    const { code, stdout } = await leastwise(words);
    expect([code, stdout]).toEqual([2, '']);
  });
});
