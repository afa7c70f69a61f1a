// What attackers write into a log: too much of it, and what steers terminals, files and objects.
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { HOSTILE_USERNAMES, serviceAccountActor, userActor } from '@leastwise/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { build, type Child, feed, spawnLeastwise } from '../support/built.ts';
import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, linesOf, logOf, REFUSED } from '../support/log.ts';
import { objectsOf, rulesOf } from '../support/rbac.ts';

const folder = ownFolder();

describe('bounded memory: a heap of 256 MB is enough', () => {
  beforeAll(build, 180_000);
  const small = { flags: ['--max-old-space-size=256'] };
  const [template = ''] = linesOf([ask(ALICE, 'get secrets ns1 NAME', { auditID: 'ID' })]);
  const [refusedTemplate = ''] = linesOf([
    ask(ALICE, 'get RESOURCE ns1 NAME', { auditID: 'ID', ...REFUSED }),
  ]);
  const [groupTemplate = ''] = linesOf([
    ask(ALICE, 'list x', {
      auditID: 'ID',
      requestURI: '/apis/RESOURCE.io/v1/namespaces/ns1/pods',
      objectRef: undefined,
    }),
  ]);
  const [subjectTemplate = ''] = linesOf([ask(userActor('USER'), 'list pods ns1', { auditID: 'ID' })]);

  function* flood(count: number, line: (i: number) => string): Generator<string> {
    for (let at = 0; at < count; at += 500) {
      yield Array.from({ length: Math.min(500, count - at) }, (_, i) => `${line(at + i)}\n`).join('');
    }
  }
  const unique = (line: string, i: number): string =>
    line
      .replace('"ID"', `"flood-${i}"`)
      .replaceAll('NAME', `n${i}`)
      .replaceAll('RESOURCE', `r${i}`)
      .replaceAll('USER', `u${i}`);

  /** Feeds a process, which gets a minute: enough for what takes seconds, too little for what grows with the square. */
  async function through(child: Child, chunks: Iterable<string>) {
    const timer = setTimeout(() => child.process.kill('SIGKILL'), 60_000);
    await feed(child, chunks);
    const ended = await child.ended;
    clearTimeout(timer);
    return ended;
  }

  test('a line of 30 MB, with a body that is skipped, is an event like any other', async () => {
    const body = { data: 'x'.repeat(30 << 20) };
    const [before, big, after] = [
      linesOf([ask(ALICE, 'list pods ns1')]),
      linesOf([ask(ALICE, 'update configmaps ns1 big', { auditID: 'big' })], { requestObject: body }),
      linesOf([ask(ALICE, 'list nodes', { auditID: 'after' })]),
    ];
    const child = spawnLeastwise(['generate', '-f', '-', '--user', 'alice', '--strict'], small);
    const { end, stdout } = await through(
      child,
      [before, big, after].map(([line]) => `${line ?? ''}\n`),
    );
    expect([end, rulesOf(stdout)]).toEqual([
      0,
      { ClusterRole: ['list nodes'], 'Role ns1': ['update configmaps [big]', 'list pods'] },
    ]);
  }, 120_000);

  test('300,000 distinct names', async () => {
    const child = spawnLeastwise(['generate', '-f', '-', '--user', 'alice'], small);
    const { end, stdout, stderr } = await through(
      child,
      flood(300_000, (i) => unique(template, i)),
    );
    expect(stderr).toContain('300,000 requests counted');
    expect([end, rulesOf(stdout)]).toEqual([0, { 'Role ns1': ['get secrets'] }]);
  }, 180_000);

  test('100,000 distinct refused requests', async () => {
    const [good = ''] = linesOf([ask(ALICE, 'list pods ns1')]);
    const out = folder('out');
    const child = spawnLeastwise(['run', '-f', '-', '--out', out], small);
    const lines = flood(100_000, (i) => (i === 50_000 ? good : unique(refusedTemplate, i)));
    const { end, stdout } = await through(child, lines);
    expect(stdout).toContain('99,999 requests, never granted by asking');
    expect(end).toBe(0);
    const tree = await treeOf(out);
    expect(rulesOf(tree['clusters/default/namespaces/ns1/user-alice/rbac.yaml'] ?? '')).toEqual({
      'Role ns1': ['list pods'],
    });
    expect(JSON.stringify(tree).length).toBeLessThan(100_000);
  }, 180_000);

  // A group is whatever stands in the URI, also of a request that is answered 404.
  test('60,000 distinct API groups', async () => {
    const child = spawnLeastwise(['generate', '-f', '-', '--user', 'alice'], small);
    const { end, stdout } = await through(
      child,
      flood(60_000, (i) => unique(groupTemplate, i)),
    );
    expect(end).toBe(0);
    expect(stdout).toContain('INCOMPLETE');
  }, 120_000);

  // Whoever may impersonate, or an identity provider with self-service, makes usernames. Twice the heap: as many
  // subjects are kept as a large cluster may have.
  test('300,000 distinct usernames', async () => {
    const twice = { flags: ['--max-old-space-size=512'] };
    const child = spawnLeastwise(['generate', '-q', '-f', '-', '--user', 'alice'], twice);
    const { end, stderr } = await through(
      child,
      flood(300_000, (i) => unique(subjectTemplate, i)),
    );
    expect([end, stderr]).toEqual([1, expect.stringContaining('no allowed requests of user alice')]);
  }, 120_000);
});

const CONTROLS = '\u001B[2J\u001B]0;owned\u0007\r\b\u009B31m\u202Edesrever';
const NAMES = [
  ...HOSTILE_USERNAMES,
  CONTROLS,
  'line\nkind: ClusterRole',
  '../../../../tmp/escape',
  '..\\..\\escape',
  '/etc/cron.d/x',
  'con',
  'aux.txt',
  'a'.repeat(5000),
];

/** Everything in the log that somebody may choose says something hostile. */
const HOSTILE = logOf([
  ...NAMES.map((name) => ask(userActor(name), 'list pods ns1', { userAgent: name })),
  ...NAMES.map((name) =>
    ask(userActor(`n ${name}`), 'get secrets ns1', { requestURI: uri('secrets', name), auditID: name }),
  ),
  ...NAMES.map((name) =>
    ask(userActor(`refused ${name}`), 'get secrets ns1', { requestURI: uri('secrets', name), ...REFUSED }),
  ),
  ...NAMES.map((name) =>
    ask(ALICE, 'get x', { requestURI: `/apis/${encodeURIComponent(name)}/v1/namespaces/ns1/x/y` }),
  ),
  ...NAMES.map((name) =>
    ask(ALICE, 'get x', { requestURI: `/api/v1/namespaces/${encodeURIComponent(name)}/pods/y` }),
  ),
  ...NAMES.map((name) => ask(ALICE, 'get x', { requestURI: uri(name, 'y') })),
  ...NAMES.map((name) => ask(ALICE, 'get x', { requestURI: `/${encodeURIComponent(name)}` })),
  ...NAMES.map((verb) => ask(ALICE, 'get secrets ns1 a', { verb })),
  ...NAMES.map((name) => ask(serviceAccountActor(name, name), 'list pods ns1')),
  ask(ALICE, 'list pods ns1'),
]);

function uri(resource: string, name: string): string {
  return `/api/v1/namespaces/ns1/${encodeURIComponent(resource)}/${encodeURIComponent(name)}`;
}

const CONTROL = /[\u0000-\u001F\u007F-\u009F]/u;

/** What may steer a terminal: all controls but the newline, and marks that turn the direction of text. */
const STEERING = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/u;

describe('hostile names', () => {
  const FILE = `${CONTROLS.replaceAll('/', '')}.log`;

  /** What the words stand for, in a folder of its own. */
  async function prepared(): Promise<Readonly<Record<string, string>>> {
    const policies = folder('policies');
    const plain = logOf([
      ask(userActor(CONTROLS), 'list pods ns1'),
      ask(userActor('a\u202Eb\u2028c'), 'list pods ns1'),
      ask(ALICE, `get /${encodeURIComponent('\u202E')}`),
    ]);
    await leastwise(['generate', '-q', '-f', '-', '--all', '-o', `dir=${policies}`], { stdin: plain });
    return {
      LOG: await written(folder(FILE), `${HOSTILE}${CONTROLS}\n`),
      GONE: folder(FILE),
      EMPTY: await written(folder('empty.yaml'), ''),
      POLICIES: policies,
      OUT: folder(FILE),
    };
  }

  test.each([
    ['generate', ['generate', '-f', 'LOG', '--all', '--why']],
    ['generate, JSON', ['generate', '-f', 'LOG', '--all', '-o', 'json']],
    ['generate for one', ['generate', '-f', 'LOG', '--user', 'alice']],
    ['generate for nobody', ['generate', '-f', 'LOG', '--user', `nobody ${CONTROLS}`]],
    ['a log that is not there', ['generate', '-f', 'GONE', '--all']],
    ['unreadable records', ['generate', '-f', 'LOG', '--all', '--strict']],
    ['a bad filter', ['generate', '-f', 'LOG', '--all', '--filter', CONTROLS]],
    ['a bad word', ['generate', '-f', 'LOG', '--all', '--verb-merge', CONTROLS]],
    ['a bad flag', ['generate', `--${CONTROLS}`]],
    ['a bad command', [CONTROLS]],
    ['run', ['run', '-f', 'LOG', '--out', 'OUT']],
    ['run, JSON', ['run', '-f', 'LOG', '--out', 'OUT', '-o', 'json']],
    ['verify', ['verify', '-f', 'LOG', '--rbac', 'EMPTY']],
    ['verify, JSON', ['verify', '-f', 'LOG', '--rbac', 'EMPTY', '-o', 'json']],
    ['verify with what is no RBAC', ['verify', '-f', 'LOG', '--rbac', 'LOG']],
    ['diff with what is no RBAC', ['diff', 'EMPTY', 'LOG']],
    ['diff', ['diff', 'EMPTY', 'POLICIES']],
    ['diff, JSON', ['diff', 'EMPTY', 'POLICIES', '-o', 'json']],
  ])('nothing that is printed steers a terminal: %s', async (_, words) => {
    const paths = await prepared();
    const { stdout, stderr } = await leastwise(words.map((word) => paths[word] ?? word));
    expect(stdout + stderr).not.toBe('');
    expect(STEERING.exec(stdout)?.[0]).toBeUndefined();
    expect(STEERING.exec(stderr)?.[0]).toBeUndefined();
  });

  test('policies for hostile names can be read again, by verify and diff', async () => {
    const policies = folder('policies');
    await leastwise(['generate', '-q', '-f', '-', '--all', '-o', `dir=${policies}`], { stdin: HOSTILE });
    const empty = await written(folder('empty.yaml'), '');
    const diffed = await leastwise(['diff', empty, policies]);
    expect([diffed.stderr, diffed.code]).toEqual(['', 1]);
    const verified = await leastwise(
      ['verify', '-f', '-', '--rbac', policies, '--special-verbs', 'Withhold'],
      { stdin: HOSTILE },
    );
    expect(verified.stderr).toBe('');
    // Left are only names that no object can have.
    expect(verified.code).toBe(1);
    // Group names that no API group can have, spelled after the resource `x`, are the rest.
    const odd = /\\|%|\/|\*|\.\.|\ufffd| named \. | get x\.| {2}x?: |.{250}/i;
    const refused = verified.stdout.split('\n').filter((text) => /^refused/.test(text));
    expect(refused.filter((line) => !odd.test(line))).toEqual([]);
  });

  test('nothing is written outside of the folder, and each subject has a folder of its own', async () => {
    const out = folder('a/b/c/out');
    const outcome = await leastwise(['run', '-f', '-', '--out', out], { stdin: HOSTILE });
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    const tree = await treeOf(out);
    expect(
      Object.keys(await treeOf(dirname(dirname(dirname(out))))).every((path) => path.startsWith('b/c/out/')),
    ).toBe(true);
    for (const [path, content] of Object.entries(tree)) {
      expect(path).toMatch(/^[a-z0-9%._~/-]+$/);
      expect(Math.max(...path.split('/').map((segment) => segment.length))).toBeLessThanOrEqual(255);
      expect(STEERING.exec(content)?.[0], path).toBeUndefined();
    }
    const subjects = Object.keys(tree).filter(
      (path) => path.startsWith('clusters/default/namespaces/ns1/') && path.endsWith('rbac.yaml'),
    );
    expect(subjects.length).toBeGreaterThan(2 * NAMES.length);
    for (const path of subjects) {
      const documents = parseAllDocuments(tree[path] ?? '');
      expect(documents.map((document) => document.errors)).toEqual([[], []]);
      expect(documents.map((document) => document.get('kind'))).toEqual(['Role', 'RoleBinding']);
    }
    // Read back, the bindings are for exactly those who asked.
    const bound = subjects.flatMap((path) =>
      objectsOf(tree[path] ?? '').flatMap((each) => ('subjects' in each ? each.subjects : [])),
    );
    const short = NAMES.filter(
      (name) => name.length <= 1024 && !name.startsWith('system:') && !CONTROL.test(name),
    );
    expect(bound.map(({ name }) => name)).toEqual(expect.arrayContaining(short));
  });

  test('what is granted holds no wildcard that a name wrote', async () => {
    const { stdout } = await leastwise(
      ['generate', '-q', '-f', '-', '--all', '-o', 'json', '--special-verbs', 'Grant'],
      {
        stdin: HOSTILE,
      },
    );
    for (const object of objectsOf(stdout)) {
      if (!('rules' in object)) continue;
      for (const { verbs, apiGroups = [], resources = [], nonResourceURLs = [] } of object.rules) {
        expect([...verbs, ...apiGroups, ...resources, ...nonResourceURLs].join(' ')).not.toContain('*');
      }
    }
  });

  test('a symbolic link in the folder is not followed', async () => {
    const [out, victim] = [folder('out'), folder('victim')];
    await mkdir(victim, { recursive: true });
    await mkdir(join(out, 'clusters'), { recursive: true });
    await symlink(victim, join(out, 'clusters/default'));
    const { code } = await leastwise(['run', '-f', '-', '--out', out], {
      stdin: logOf([ask(ALICE, 'list pods ns1')]),
    });
    expect(code).toBe(2);
    expect(await treeOf(victim)).toEqual({});
  });

  test('__proto__ as user, namespace, group, label or cluster pollutes nothing', async () => {
    const stdin = logOf([
      ask(
        userActor('__proto__', ['__proto__', 'constructor']),
        'get __proto__:__proto__ __proto__ __proto__',
      ),
      ask(userActor('constructor'), 'list pods ns1'),
    ]).replaceAll('"kind":"Event"', '"kind":"Event","cluster":"__proto__"');
    const args = [
      'generate',
      '-f',
      '-',
      '--all',
      '--cluster-field',
      'cluster',
      '--generate-labels',
      'constructor=x',
    ];
    const { stdout } = await leastwise(args, { stdin });
    expect(stdout).toContain('name: constructor');
    expect(stdout).toContain('constructor: x');
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
