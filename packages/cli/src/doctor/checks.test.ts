import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { asked, ownFolder } from '../testing/command.ts';
import { folderCheck } from './check-folder.ts';
import { logCheck } from './check-log.ts';
import { gitCheck, nodeCheck } from './check-machine.ts';
import type { Check } from './verdict.ts';

const free = ownFolder();
const NEVER = new AbortController().signal;

function file(name: string, content: string | Buffer): string {
  const path = join(free(), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function found(check: Check): Promise<string[]> {
  return (await check.look(NEVER)).map(({ outcome, says }) => `${outcome}: ${says}`);
}

const WORKLOAD = 'system:serviceaccount:ns1:app';

function logOf(...lines: readonly string[]): Check {
  return logCheck(file('audit.log', lines.join('')), Readable.from([]));
}

describe('the machine', () => {
  test.each([
    ['18.20.0', 'failed'],
    ['20.18.3', 'failed'],
    ['20.19.0', 'warning'],
    ['22.12.0', 'ok'],
    ['24.0.0', 'ok'],
    ['unknown', 'failed'],
  ])('Node %s is %s', async (version, outcome) => {
    expect(await nodeCheck(version).look(NEVER)).toMatchObject([{ outcome }]);
  });

  test('has git', async () => {
    expect(await found(gitCheck())).toEqual(['ok: it can be started']);
  });
});

describe('a folder', () => {
  test('of our own is fine', async () => {
    const folder = free();
    mkdirSync(folder, { mode: 0o700 });
    const [access, room] = await found(folderCheck(folder, 'the state'));
    expect(access).toBe('ok: we may read and write it');
    expect(room).toMatch(/are free$/);
  });

  test('that others may look into is told of', async () => {
    const folder = free();
    mkdirSync(folder);
    chmodSync(folder, 0o750);
    expect(await found(folderCheck(folder, 'the state'))).toContain(
      'warning: others may look into it (mode 750)',
    );
  });

  test('that is not there, or is a file, has failed', async () => {
    expect(await found(folderCheck(free(), 'the state'))).toEqual(['failed: it is not there']);
    expect(await found(folderCheck(file('x', ''), 'the state'))).toEqual(['failed: it is no folder']);
  });
});

describe('a log', () => {
  test('of a whole audit policy is fine, packed or not', async () => {
    const lines = asked(WORKLOAD, 'get pods') + asked('alice', 'create pods');
    const fine = ['ok: it is an audit log: 2 events'];
    expect(await found(logOf(lines))).toEqual(fine);
    expect(await found(logCheck(file('a.log.gz', gzipSync(lines)), Readable.from([])))).toEqual(fine);
  });

  test('without reading requests, or without service accounts, shows an audit policy that leaves out too much', async () => {
    expect(await found(logOf(asked('alice', 'create pods')))).toEqual([
      'ok: it is an audit log: 1 event',
      'warning: no get, list or watch is in it: policies made of it would let nobody read',
      'warning: no service account is in it: policies of workloads need what they do',
    ]);
  });

  test('without outcomes, or without decisions, is told of', async () => {
    const line = asked(WORKLOAD, 'get pods');
    const received = line
      .replace('ResponseComplete', 'RequestReceived')
      .replace(/"annotations":\{[^}]*\}/, '"x":1');
    expect(await found(logOf(received))).toContain(
      'failed: it has the stage RequestReceived only, which knows no outcome',
    );
    expect(await found(logOf(line.replace(/"annotations":\{[^}]*\}/, '"x":1')))).toContain(
      'warning: no event says what the authorizer decided',
    );
  });

  test('with records that cannot be read says where the first one is', async () => {
    expect(await found(logOf(asked(WORKLOAD, 'get pods'), '{"broken\n'))).toContainEqual(
      expect.stringMatching(/^warning: 1 record cannot be read, the first one at .*audit\.log:2: /),
    );
  });

  test('that is none has failed', async () => {
    expect(await found(logOf('hello\n'))).toEqual([
      expect.stringMatching(/^failed: it holds no audit event/),
    ]);
    await expect(found(logCheck(free(), Readable.from([])))).rejects.toThrow();
  });
});
