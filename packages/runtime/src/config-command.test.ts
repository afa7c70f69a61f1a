import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';

import { configJsonSchema, durationMs, runConfigCommand, secret } from './index.ts';

const schema = z.strictObject({
  port: z.number().default(9090),
  wait: durationMs().default(90_000),
  redis: z.strictObject({ host: z.string(), password: secret().optional() }),
});
const dir = mkdtempSync(join(tmpdir(), 'leastwise-config-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

interface Said {
  readonly isAnswered: boolean;
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function said(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  problems: readonly string[] = [],
): Promise<Said> {
  const texts = { stdout: '', stderr: '' };
  const output = (name: keyof typeof texts) => ({
    write: (text: string) => {
      texts[name] += text;
    },
  });
  const host = {
    exitCode: undefined as number | undefined,
    stdout: output('stdout'),
    stderr: output('stderr'),
  };
  const check = async (): Promise<readonly string[]> => problems;
  const isAnswered = await runConfigCommand({ service: 'aggregator', schema, argv, env, check, host });
  return { isAnswered, code: host.exitCode, ...texts };
}

const ENV = { LEASTWISE_AGGREGATOR_REDIS_HOST: 'r' };

test('other arguments are the business of the service', async () => {
  for (const argv of [[], ['--port=1'], ['--config', 'check'], ['configure']]) {
    expect(await said(argv)).toEqual({ isAnswered: false, code: undefined, stdout: '', stderr: '' });
  }
});

test('neither check nor print is usage', async () => {
  for (const argv of [['config'], ['config', 'chekc'], ['config', '--port=1']]) {
    const { isAnswered, code, stdout, stderr } = await said(argv, ENV);
    expect([isAnswered, code, stdout]).toEqual([true, 2, '']);
    expect(stderr).toContain('usage: leastwise-aggregator config check|print');
  }
});

describe('check', () => {
  test('says that all is well', async () => {
    expect(await said(['config', 'check', '--port', '1'], ENV)).toMatchObject({
      isAnswered: true,
      code: undefined,
      stdout: 'the configuration is good\n',
      stderr: '',
    });
  });

  test('tells everything that is wrong at once, and ends with 78', async () => {
    const file = join(dir, 'bad.yaml');
    writeFileSync(file, 'prot: 1\nwait: 5\n');
    const argv = ['config', 'check', '--config', file, '--redis.pasword=hunter2'];
    const { code, stdout, stderr } = await said(argv, { LEASTWISE_AGGREGATOR_PORT: 'x' });
    expect([code, stdout]).toEqual([78, '']);
    for (const part of ['bad.yaml:1: prot', 'bad.yaml:2: wait', '_PORT', '--redis.pasword', 'redis.host']) {
      expect(stderr).toContain(part);
    }
    expect(stderr).not.toContain('hunter2');
  });

  test('tells what does not go together, too', async () => {
    const { code, stdout, stderr } = await said(['config', 'check'], ENV, ['one', 'two']);
    expect([code, stdout, stderr]).toEqual([78, '', 'bad configuration:\n  one\n  two\n']);
  });
});

describe('print', () => {
  test('shows what counts, where it is from, and no secret', async () => {
    const env = { ...ENV, LEASTWISE_AGGREGATOR_REDIS_PASSWORD: 'hunter2' };
    const { code, stdout, stderr } = await said(['config', 'print', '--port=1'], env);
    expect([code, stderr]).toEqual([undefined, '']);
    expect(stdout).toBe(
      'port: 1 # --port\nwait: 1m30s # default\nredis:\n  host: r # LEASTWISE_AGGREGATOR_REDIS_HOST\n' +
        '  password: "***" # LEASTWISE_AGGREGATOR_REDIS_PASSWORD\n',
    );
  });

  test('shows what cannot be used, and says so', async () => {
    const { code, stdout, stderr } = await said(['config', 'print'], ENV, ['one']);
    expect([code, stderr]).toEqual([78, 'bad configuration:\n  one\n']);
    expect(stdout).toContain('port: 9090');
  });

  test('has the JSON Schema, without any configuration', async () => {
    const { code, stdout } = await said(['config', 'print', '--json-schema'], { LEASTWISE_AGGREGATOR_X: '' });
    expect(code).toBe(undefined);
    expect(JSON.parse(stdout)).toEqual(configJsonSchema(schema));
  });
});
