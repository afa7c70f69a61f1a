// `leastwise state` on folders and on a real Redis.
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { Redis } from 'ioredis';
import { RecordReader } from '@leastwise/audit-event';
import {
  exportEvidence,
  Gathering,
  importEvidence,
  openEmbeddedStore,
  type SubjectStore,
} from '@leastwise/state';
import { RedisStore } from '@leastwise/state-redis';
import { lacksRedis, type RedisServer, startRedis, userActor } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ownFolder } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, linesOf, REFUSED } from '../support/log.ts';

const freePath = ownFolder();
const ESCAPE = '\u001b[2J';
const BIDI = '\u202e';

/** A path that nothing has yet, in a folder that is there. */
function path(name: string): string {
  const free = freePath(name);
  mkdirSync(dirname(free), { recursive: true });
  return free;
}

const LINES = linesOf([
  ...Array.from({ length: 120 }, (_, n) => ask(ALICE, `get pods ns${n % 9} p${n % 4}`)),
  ...Array.from({ length: 40 }, (_, n) => ask(BOB, `list secrets ns${n % 3}`)),
  ...Array.from({ length: 15 }, (_, n) => ask(BOB, `delete nodes - n${n}`, REFUSED)),
]);

/** Brings lines into a source of a state, in batches. */
async function fill(
  store: SubjectStore,
  source: string,
  lines: readonly string[],
  cluster = 'prod',
): Promise<void> {
  const claim = await store.claim(source);
  const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' }, hasWindows: true });
  let from = claim.position;
  for (let at = 0; at < lines.length; at += 20) {
    const reader = new RecordReader({
      event: (event) => gathering.add(event, cluster),
      skipped: () => undefined,
      bad: () => undefined,
    });
    reader.push(Buffer.from(`${lines.slice(at, at + 20).join('\n')}\n`));
    reader.end();
    const to = String(Number(from === '' ? '0' : from) + 20);
    expect(await store.applyBatch({ claim, from, to, deltas: gathering.take() })).toBe('applied');
    from = to;
  }
}

/** A folder with a state. */
async function folderOf(lines: readonly string[], cluster?: string): Promise<string> {
  const dir = path('state');
  await using store = await openEmbeddedStore({ dir });
  await fill(store, 'embedded', lines, cluster);
  return dir;
}

async function said(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await leastwise(['state', ...words]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

async function exported(...place: readonly string[]): Promise<string> {
  const file = path('evidence.ndjson');
  await said('export', ...place, '--out', file);
  return readFile(file, 'utf8');
}

describe('a folder', () => {
  test('shows what it holds', async () => {
    const dir = await folderOf(LINES);
    const text = await said('show', '--state', dir);
    expect(text.replace(/^size .*$/m, 'size            …')).toBe(
      [
        'schema version  5',
        'size            …',
        'only received   0',
        'late            0',
        'lost            0',
        '',
        'CLUSTER  SUBJECTS  RULES  CELLS  REFUSED  FIRST SEEN            LAST SEEN',
        'prod            2     12     39       15  2026-03-02T10:00:00Z  2026-03-02T10:02:54Z',
        '',
        'SOURCE    POSITION  WATERMARKS',
        'embedded       180',
        '',
      ].join('\n'),
    );
  });

  test('shows it to machines, and is not changed by that', async () => {
    const dir = await folderOf(LINES);
    const shown: unknown = JSON.parse(await said('show', '--state', dir, '-o', 'json'));
    expect(shown).toEqual({
      schemaVersion: 5,
      bytes: expect.any(Number) as number,
      facts: { onlyReceived: 0, late: 0, lost: 0 },
      clusters: [
        {
          ...{ name: 'prod', subjects: 2, rules: 12, cells: 39, refusedCells: 15 },
          ...{ firstSeen: '2026-03-02T10:00:00Z', lastSeen: '2026-03-02T10:02:54Z' },
        },
      ],
      sources: [{ source: 'embedded', position: '180', watermarks: [] }],
    });
    const before = await exported('--state', dir);
    await said('show', '--state', dir);
    expect(await exported('--state', dir)).toBe(before);
  });

  test('is copied by export and import, and gives the same policies', async () => {
    const dir = await folderOf(LINES);
    const file = path('evidence.ndjson.gz');
    expect(await said('export', '--state', dir, '--out', file)).toMatch(
      /^exported \d+ lines, sha256 [0-9a-f]{64}\n$/,
    );
    const copy = path('copy');
    expect(await said('import', file, '--state', copy)).toMatch(/^imported \d+ lines, sha256 /);
    expect(await said('import', file, '--state', copy)).toMatch(/^nothing changed: imported before: /);
    expect(await exported('--state', copy)).toBe(await exported('--state', dir));
    const policies = await leastwise(['generate', '--all', '--why', '--state', dir]);
    expect(policies.code).toBe(0);
    expect(await leastwise(['generate', '--all', '--why', '--state', copy])).toEqual(policies);
  });

  test('names of whoever asks steer no terminal', async () => {
    const hostile = linesOf([ask(userActor(`mallory${ESCAPE}`), `get pods ns1 ${ESCAPE}`)]);
    const dir = await folderOf(hostile, `evil${ESCAPE}${BIDI}`);
    for (const form of ['table', 'json']) {
      const shown = await said('show', '--state', dir, '-o', form);
      expect(shown).toContain('evil');
      expect(shown).not.toMatch(/[\u001b\u202e]/);
    }
    const copy = path('copy');
    const file = path(`evidence`);
    await said('export', '--state', dir, '--out', file);
    await said('import', file, '--state', copy);
    expect(await exported('--state', copy)).toBe(await exported('--state', dir));
  });
});

describe('what cannot be', () => {
  async function refused(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await leastwise(['state', ...words]);
    expect([code, stdout]).toEqual([2, '']);
    return stderr;
  }

  test('is usage', async () => {
    const dir = await folderOf(LINES);
    expect(await refused()).toContain('Usage');
    expect(await refused('shwo')).toContain('unknown command');
    expect(await refused('show')).toContain('--state');
    expect(await refused('export', '--state', dir)).toContain('--out');
    expect(await refused('import', '--state', dir)).toContain('file');
    expect(await refused('show', '--state', dir, '-o', 'yaml')).toContain('yaml');
    expect(await refused('rebuild', '--state', dir, '--yes')).toContain('a folder is not read from Kafka');
  });

  test('is a state that is not there, or out of reach', async () => {
    const nowhere = path('nowhere');
    expect(await refused('show', '--state', nowhere)).toContain('there is no state in');
    mkdirSync(nowhere);
    expect(await refused('export', '--state', nowhere, '--out', path('x'))).toContain('there is no state in');
    for (const url of ['redis://127.0.0.1:1', 'redis://u:hunter2@127.0.0.1:1/x', 'redis://127.0.0.1:1/0']) {
      const stderr = await refused('show', '--state', url);
      expect(stderr).toContain('cannot open the state');
      expect(stderr).not.toContain('hunter2');
    }
  });

  test('is a file that is damaged, and then nothing is touched', async () => {
    const file = path('evidence.ndjson');
    await said('export', '--state', await folderOf(LINES), '--out', file);
    const text = await readFile(file, 'utf8');
    const bad = path('bad.ndjson');
    await writeFile(bad, text.replace('alice', `al${ESCAPE}`));
    const dir = await folderOf(LINES.slice(0, 50));
    const before = await exported('--state', dir);
    const stderr = await refused('import', bad, '--state', dir);
    expect(stderr).toMatch(/bad\.ndjson:\d+: /);
    expect(stderr).not.toContain('\u001b');
    await writeFile(bad, text.replace('"version":5', '"version":6'));
    expect(await refused('import', bad, '--state', dir)).toContain('bad.ndjson:1: evidence of version 6');
    expect(await refused('import', path('missing'), '--state', dir)).toContain('cannot be read');
    expect(await exported('--state', dir)).toBe(before);
    expect(await refused('export', '--state', dir, '--out', '/nonexistent/x')).toContain('cannot be written');
  });
});

const isLacking = await lacksRedis();

describe.skipIf(isLacking)('Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let run = 0;

  beforeAll(async () => {
    server = await startRedis({ dir: freePath('redis') });
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    await redis.quit();
    await server.stop();
  });

  function newPrefix(): string {
    run += 1;
    return `lw${run}:`;
  }

  function placeOf(prefix: string): string[] {
    return ['--state', server.url, '--state-prefix', prefix];
  }

  function storeOf(prefix: string): RedisStore {
    return new RedisStore(redis, { prefix, dedupeHours: 2 });
  }

  /** Lines by turns into the partitions of a topic, some of them twice. */
  async function fillPartitions(prefix: string, lines: readonly string[], partitions: number): Promise<void> {
    for (let partition = 0; partition < partitions; partition += 1) {
      const own = lines.filter((_, n) => n % partitions === partition);
      await fill(storeOf(prefix), `audit/${partition}`, [...own, ...own.slice(0, 5)]);
    }
  }

  async function partsOf(prefix: string): Promise<Record<string, Record<string, string>>> {
    const parts: Record<string, Record<string, string>> = {};
    for (const key of (await redis.keys(`${prefix}p:*`)).sort()) parts[key] = await redis.hgetall(key);
    return parts;
  }

  test('shows sources, positions and watermarks, hostile names escaped', async () => {
    const prefix = newPrefix();
    await fillPartitions(prefix, LINES, 2);
    await fill(storeOf(prefix), `x${BIDI}/0`, LINES.slice(0, 3), `evil${ESCAPE}`);
    const text = await said('show', ...placeOf(prefix));
    expect(text.replace(/^size .*$/m, 'size            …')).toBe(
      [
        'schema version  7',
        'size            …',
        'only received   0',
        'late            0',
        'lost            0',
        '',
        'CLUSTER        SUBJECTS  RULES  CELLS  REFUSED  FIRST SEEN            LAST SEEN',
        'evil\\u{1b}[2J         1      3      3        0  2026-03-02T10:00:00Z  2026-03-02T10:00:02Z',
        'prod                  2     12     39       15  2026-03-02T10:00:00Z  2026-03-02T10:02:54Z',
        '',
        'SOURCE       POSITION  WATERMARKS',
        'audit/0           100  prod 2026-03-02T10:02:54Z',
        'audit/1           100  prod 2026-03-02T10:02:53Z',
        'x\\u{202e}/0        20  evil\\u{1b}[2J 2026-03-02T10:00:02Z',
        '',
      ].join('\n'),
    );
    expect(text).toMatch(/^size {12}[\d.]+ KiB$/m);
  });

  test('shows what a user may see who is allowed little', async () => {
    const prefix = newPrefix();
    await fillPartitions(prefix, LINES, 1);
    await redis.call(
      'ACL',
      'SETUSER',
      'little',
      'on',
      '>pw',
      '~*',
      '-@all',
      ...'+info +ping +client|setname +select +smembers +hmget +hget +hgetall'.split(' '),
    );
    const url = server.url.replace('redis://', 'redis://little:pw@');
    expect(await said('show', '--state', url, '--state-prefix', prefix)).toMatch(/^size {12}unknown$/m);
    const refused = await leastwise(['state', 'rebuild', '--yes', '--state', url, '--state-prefix', prefix]);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('no permissions');
    expect(refused.stderr).not.toContain('pw');
  });

  test('exports the same bytes as a folder with the same evidence, however it is spread', async () => {
    const fromFolder = await exported('--state', await folderOf(LINES));
    expect(fromFolder).toContain('["window"');
    for (const partitions of [1, 3]) {
      const prefix = newPrefix();
      await fillPartitions(prefix, LINES, partitions);
      expect(await exported(...placeOf(prefix))).toBe(fromFolder);
    }
  });

  test('imports once, beside what is read from Kafka', async () => {
    const prefix = newPrefix();
    const [front, back] = [LINES.slice(0, 90), LINES.slice(90)];
    await fillPartitions(prefix, back, 2);
    const file = path('evidence.ndjson.gz');
    await said('export', '--state', await folderOf(front), '--out', file);
    expect(await said('import', file, ...placeOf(prefix))).toMatch(/^imported /);
    expect(await exported(...placeOf(prefix))).toBe(await exported('--state', await folderOf(LINES)));
    const before = await partsOf(prefix);
    expect(await said('import', file, ...placeOf(prefix))).toMatch(/^nothing changed/);
    const meta = ['t', 'e'];
    // By name: Redis answers the fields of a hash in any order, and in another one while it grows its table.
    const without = (parts: typeof before): unknown =>
      Object.entries(parts).map(([key, hash]) => [
        key,
        Object.fromEntries(Object.entries(hash).filter(([field]) => !meta.includes(field))),
      ]);
    expect(without(await partsOf(prefix))).toEqual(without(before));
  });

  test('goes on with an import that was broken off', async () => {
    const prefix = newPrefix();
    const many = linesOf(
      Array.from({ length: 2500 }, (_, n) => ask(ALICE, `get pods ns${n % 50} p${n % 97}`)),
    );
    const dir = await folderOf(many);
    const file = path('evidence.ndjson');
    await said('export', '--state', dir, '--out', file);
    const store = storeOf(prefix);
    let batches = 0;
    const broken = {
      ...{ claim: (source: string) => store.claim(source), flush: () => store.flush() },
      applyBatch: (batch: Parameters<typeof store.applyBatch>[0]) => {
        batches += 1;
        if (batches > 1) throw new Error('the process is gone');
        return store.applyBatch(batch);
      },
    };
    await expect(importEvidence(broken, file)).rejects.toThrow('the process is gone');
    const half = await exported(...placeOf(prefix));
    expect(await said('import', file, ...placeOf(prefix))).toMatch(/^imported /);
    const whole = await exported('--state', dir);
    expect(half.length).toBeLessThan(whole.length);
    expect(await exported(...placeOf(prefix))).toBe(whole);
  });

  test('gives what was imported back as a folder', async () => {
    const prefix = newPrefix();
    await fillPartitions(prefix, LINES, 2);
    const file = path('evidence');
    await exportEvidence(storeOf(prefix), file);
    const dir = path('state');
    await said('import', file, '--state', dir);
    const policies = await leastwise(['generate', '--all', '--state', dir]);
    expect(policies.code).toBe(0);
    expect(
      await leastwise(['generate', '--all', ...['--state', server.url, '--state-prefix', prefix]]),
    ).toEqual(policies);
  });

  test('takes no import where it would lose it', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const file = path('evidence');
    await said('export', '--state', await folderOf(LINES), '--out', file);
    const prefix = newPrefix();
    const { code, stderr } = await leastwise(['state', 'import', file, ...placeOf(prefix)]);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    expect(code).toBe(2);
    expect(stderr).toContain('must be noeviction');
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
  });

  test('has no state where nothing was ever claimed', async () => {
    const { code, stderr } = await leastwise(['state', 'show', ...placeOf('none:')]);
    expect([code, stderr]).toEqual([2, 'error: there is no state in Redis under "none:"\n']);
  });

  test('is refused where it is damaged, or of a newer version', async () => {
    const prefix = newPrefix();
    await fillPartitions(prefix, LINES, 1);
    const key = `${prefix}p:audit/0`;
    const watermarks = (await redis.hget(key, 'w')) ?? '';
    for (const [field, bad] of [
      ['w', '[["prod"'],
      ['w', '[["prod","soon"]]'],
      ['v', '99'],
    ] as const) {
      await redis.hset(key, field, bad);
      const { code, stdout, stderr } = await leastwise(['state', 'show', ...placeOf(prefix)]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`error: ${key}: `);
      await redis.hset(key, 'w', watermarks);
    }
  });

  describe('rebuild', () => {
    async function filled(): Promise<string> {
      const prefix = newPrefix();
      await fillPartitions(prefix, LINES.slice(0, 60), 2);
      const file = path('evidence');
      await said('export', '--state', await folderOf(LINES.slice(60, 100)), '--out', file);
      await said('import', file, ...placeOf(prefix));
      return prefix;
    }

    test('only says what it would do, without --yes', async () => {
      const prefix = await filled();
      const before = await partsOf(prefix);
      const { code, stdout, stderr } = await leastwise(['state', 'rebuild', ...placeOf(prefix)]);
      expect([code, stderr]).toEqual([2, 'error: nothing was done: --yes does it\n']);
      expect(stdout).toBe(
        'would forget what was read of 2 partitions:\n  audit/0\n  audit/1\nkept 1 import\n' +
          'Aggregators read again from the earliest record that Kafka has: each partition with its next record, or when\n' +
          'they are restarted. What is older than that is known no more, unless it was exported before.\n',
      );
      expect(await partsOf(prefix)).toEqual(before);
      expect(await redis.exists(`${prefix}rebuild`)).toBe(0);
    });

    test('forgets what was read from Kafka, keeps imports, and leaves its mark', async () => {
      const prefix = await filled();
      expect(await said('rebuild', '--yes', ...placeOf(prefix))).toContain(
        'forgot what was read of 2 partitions',
      );
      expect(Object.keys(await partsOf(prefix))).toEqual([expect.stringMatching(/p:import\/[0-9a-f]{64}$/)]);
      expect(await redis.ttl(`${prefix}rebuild`)).toBeGreaterThan(6 * 86_400);
      expect(await redis.get(`${prefix}rebuild`)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(await exported(...placeOf(prefix))).toBe(
        await exported('--state', await folderOf(LINES.slice(60, 100))),
      );
      // What Kafka still has is read again, and all is as it was.
      await fillPartitions(prefix, LINES.slice(0, 60), 2);
      expect(await exported(...placeOf(prefix))).toBe(
        await exported('--state', await folderOf(LINES.slice(0, 100))),
      );
    });

    test('fences the worker that has a partition: its next batch is refused, and it starts anew', async () => {
      const prefix = await filled();
      const store = storeOf(prefix);
      const claim = await store.claim('audit/0');
      await said('rebuild', '--yes', ...placeOf(prefix));
      const gathering = new Gathering(claim, { observe: { deniedAs: 'denied' } });
      gathering.addLost(1);
      const batch = { claim, from: claim.position, to: '1000', deltas: gathering.take() };
      expect(await store.applyBatch(batch)).toBe('fenced');
      expect((await store.claim('audit/0')).position).toBe('');
      expect(await redis.hget(`${prefix}p:audit/0`, 'o')).toBe(null);
    });

    test('is an order also where nothing was read: an empty Redis is no loss then', async () => {
      const prefix = newPrefix();
      expect(await said('rebuild', '--yes', ...placeOf(prefix))).toContain('nothing was read from Kafka');
      expect(await redis.exists(`${prefix}rebuild`)).toBe(1);
    });
  });
});
