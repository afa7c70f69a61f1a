import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';

import { followFile, loadConfig, secret } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'leastwise-follow-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});
let count = 0;
function written(text: string): string {
  count += 1;
  const file = join(dir, String(count));
  writeFileSync(file, text);
  return file;
}

describe('a text that is replaced in its file', () => {
  it('is read anew whenever it is asked for, without the newline at its end', () => {
    const file = written('old\n');
    const current = followFile(file, 'old');
    expect(current()).toBe('old');
    writeFileSync(file, 'new\n');
    expect(current()).toBe('new');
  });

  it('stays what it was last while the file is empty, or gone', () => {
    const file = written('old');
    const current = followFile(file, 'first');
    expect(current()).toBe('old');
    writeFileSync(file, '');
    expect(current()).toBe('old');
    rmSync(file);
    expect(current()).toBe('old');
  });
});

describe('a secret of a configuration', () => {
  const schema = z.strictObject({
    redis: z.strictObject({ password: secret().optional() }),
    list: z.array(z.strictObject({ key: secret() })).default([]),
  });
  function load(argv: readonly string[], env: Record<string, string> = {}) {
    const config = loadConfig({ service: 's', schema, argv, env });
    if (!config.ok) throw new Error(config.problems.join('\n'));
    return config.value;
  }

  it.each([
    ['a flag', (file: string) => load([`--redis.passwordFile=${file}`])],
    ['the environment', (file: string) => load([], { LEASTWISE_S_REDIS_PASSWORD_FILE: file })],
    ['a file of YAML', (file: string) => load([`--config=${written(`redis: { passwordFile: ${file} }\n`)}`])],
  ])('whose file %s names is what that file holds now', (_, read) => {
    const file = written('old\n');
    const { password } = read(file).redis;
    expect(password?.reveal()).toBe('old');
    writeFileSync(file, 'new\n');
    expect(password?.reveal()).toBe('new');
    expect(String(password)).toBe('***');
  });

  it('in a list follows its file, too', () => {
    const [first, second] = [written('a'), written('b')];
    const config = written(`list: [{ keyFile: ${first} }, { keyFile: ${second} }]\n`);
    const { list } = load([`--config=${config}`]);
    writeFileSync(second, 'c');
    expect(list.map(({ key }) => key.reveal())).toEqual(['a', 'c']);
  });

  it('that a flag gives is not that of the file below it', () => {
    const file = written('old');
    const config = written(`redis: { passwordFile: ${file} }\n`);
    const { password } = load([`--config=${config}`, '--redis.password=flag']).redis;
    writeFileSync(file, 'new');
    expect(password?.reveal()).toBe('flag');
  });
});
