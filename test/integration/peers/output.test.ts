// Rows 27, 33 and 35: clusters, outputs, filters.
import { basename, dirname, join } from 'node:path';

import { serviceAccountActor, userActor } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { ownFolder, treeOf, tracesOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, BOB, linesOf, logOf, REFUSED } from '../support/log.ts';
import { objectsOf, rulesOf } from '../support/rbac.ts';

const folder = ownFolder();
const APP = serviceAccountActor('shop', 'app');
const EVENTS = [ask(ALICE, 'list pods ns1'), ask(BOB, 'list services ns2'), ask(APP, 'list nodes')];

describe('row 27: clusters', () => {
  const of = (cluster: string, text: string, more: object = {}): string => {
    const [line = ''] = linesOf([ask(APP, text, { auditID: `${cluster}-${text}` })]);
    return `${JSON.stringify({ ...(JSON.parse(line) as object), cluster, ...more })}\n`;
  };

  test('the same service account in two clusters is two subjects', async () => {
    const log = await written(
      folder('audit.log'),
      of('east', 'get pods shop a') + of('west', 'list secrets shop'),
    );
    const out = folder('out');
    await leastwise(['run', '-q', '-f', log, '--out', out, '--cluster-field', 'cluster']);
    const tree = await treeOf(out);
    const policy = (cluster: string): unknown =>
      rulesOf(tree[`clusters/${cluster}/namespaces/shop/serviceaccount-shop.app/rbac.yaml`] ?? '');
    expect(policy('east')).toEqual({ 'Role shop': ['get pods [a]'] });
    expect(policy('west')).toEqual({ 'Role shop': ['list secrets'] });
    expect(Object.keys(tree).filter((path) => path.startsWith('reports/'))).toEqual([
      'reports/east/policies.md',
      'reports/west/policies.md',
    ]);
  });

  test('by a flag for all records, and without either it is "default"', async () => {
    const log = await written(folder('audit.log'), logOf(EVENTS));
    const [named, unnamed] = [folder('named'), folder('unnamed')];
    await leastwise(['run', '-q', '-f', log, '--out', named, '--cluster', 'prod']);
    await leastwise(['run', '-q', '-f', log, '--out', unnamed]);
    expect(Object.keys(await treeOf(named)).every((path) => /^(clusters|reports)\/prod\//.test(path))).toBe(
      true,
    );
    expect(
      Object.keys(await treeOf(unnamed)).every((path) => /^(clusters|reports)\/default\//.test(path)),
    ).toBe(true);
  });

  test('the name comes from the record that the shipper made, never from within the event', async () => {
    const inner = of('chosen-by-a-client', 'get pods shop a', {
      requestObject: { cluster: 'from-the-body' },
    }).trimEnd();
    const wrapped = JSON.stringify({ log: inner, cluster: 'east' });
    const bare = JSON.stringify({ log: inner });
    const out = folder('out');
    const log = await written(folder('audit.log'), `${wrapped}\n${bare.replace('get pods', 'get')}\n`);
    await leastwise([
      'run',
      '-q',
      '-f',
      log,
      '--out',
      out,
      '--cluster-field',
      'cluster',
      '--cluster',
      'rest',
    ]);
    const clusters = new Set(Object.keys(await treeOf(out)).map((path) => path.split('/')[1]));
    expect([...clusters].sort()).toEqual(['east', 'rest']);
  });

  test('clusters called alike or like paths stay apart, and in the folder', async () => {
    const names = ['Prod', 'prod', '../escape', 'a/b', '..', '__proto__', 'con'];
    const log = await written(folder('audit.log'), names.map((name) => of(name, 'get pods shop a')).join(''));
    const out = folder('deep/er/out');
    await leastwise(['run', '-q', '-f', log, '--out', out, '--cluster-field', 'cluster']);
    const reports = Object.keys(await treeOf(out)).filter((path) => path.startsWith('reports/'));
    expect(reports).toHaveLength(names.length);
    expect(new Set(reports.map((path) => path.toLowerCase())).size).toBe(names.length);
    expect(Object.keys(await treeOf(dirname(out))).every((path) => path.startsWith('out/'))).toBe(true);
  });
});

describe('row 33: outputs', () => {
  const generate = (...flags: string[]) =>
    leastwise(['generate', '-q', '-f', '-', '--all', ...flags], { stdin: logOf(EVENTS) });

  test('YAML and JSON hold the same objects, in the same order', async () => {
    const [yaml, json] = [await generate(), await generate('-o', 'json')];
    expect(JSON.parse(json.stdout)).toMatchObject({ apiVersion: 'v1', kind: 'List' });
    expect(objectsOf(yaml.stdout)).toEqual(objectsOf(json.stdout));
    const kinds = objectsOf(yaml.stdout).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Role',
      'RoleBinding',
    ]);
  });

  test('a file a subject and a kustomization that lists them', async () => {
    const out = folder('policies');
    await generate('-o', `dir=${out}`);
    const tree = await treeOf(out);
    const files = ['serviceaccount-shop.app.yaml', 'user-alice.yaml', 'user-bob.yaml'];
    expect(Object.keys(tree).sort()).toEqual(['kustomization.yaml', ...files]);
    expect(parse(tree['kustomization.yaml'] ?? '')).toMatchObject({
      kind: 'Kustomization',
      resources: files,
    });
    expect(rulesOf(tree['user-alice.yaml'] ?? '')).toEqual({ 'Role ns1': ['list pods'] });
  });

  test('what is not wanted any more goes with --all; other subjects, and files of others, stay', async () => {
    const out = folder('policies');
    const own = await written(`${out}/mine.yaml`, 'a: b\n');
    await generate('-o', `dir=${out}`);
    const before = await treeOf(out);
    const onlyBob = ['generate', '-q', '-f', '-', '--user', 'bob', '-o', `dir=${out}`];
    await leastwise(onlyBob, { stdin: logOf(EVENTS) });
    expect(await treeOf(out)).toEqual(before);
    await generate('-o', `dir=${out}`, '--filter', 'allow user=bob', '--filter-default', 'deny');
    const left = await treeOf(out);
    expect(Object.keys(left).sort()).toEqual(['kustomization.yaml', basename(own), 'user-bob.yaml']);
    expect(parse(left['kustomization.yaml'] ?? '')).toMatchObject({ resources: ['user-bob.yaml'] });
  });

  test('every folder of a repository can be applied: its kustomization lists what stands in it', async () => {
    const out = folder('out');
    await leastwise(['run', '-q', '-f', await written(folder('audit.log'), logOf(EVENTS)), '--out', out]);
    const tree = await treeOf(out);
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const { resources } = parse(tree[join(path, 'kustomization.yaml')] ?? '') as { resources: string[] };
      for (const resource of resources) {
        const child = join(path, resource);
        if (tree[child] === undefined) visit(child);
        else reached.add(child);
      }
    };
    visit('clusters/default');
    const manifests = Object.keys(tree).filter((path) => path.endsWith('/rbac.yaml'));
    expect([...reached].sort()).toEqual(manifests.sort());
    expect(manifests).toHaveLength(3);
  });

  test('names, labels and annotations are as asked for', async () => {
    const flags = ['--generate-name', 'gen:${user}', '--generate-labels', 'team=web,user=${user}'];
    const { stdout } = await generate(
      ...flags,
      '--generate-annotations',
      'example.com/why=audit',
      '--filter',
      'deny user=bob',
    );
    const alice = objectsOf(stdout).filter(({ metadata }) => metadata.name === 'gen:alice');
    expect(alice).toHaveLength(2);
    for (const { metadata } of alice) {
      expect(metadata.labels).toEqual({ team: 'web', user: 'alice' });
      expect(metadata.annotations).toEqual({ 'example.com/why': 'audit' });
    }
  });

  test('unchanged policies are not written again, also when rules were seen in another order', async () => {
    const out = folder('out');
    const [log, other] = [folder('audit.log'), folder('other.log')];
    const numbered = linesOf([...EVENTS, ask(ALICE, 'get secrets ns1 a')]);
    await written(log, numbered.join('\n'));
    await written(other, numbered.toReversed().join('\n'));
    await leastwise(['run', '-q', '-f', log, '--out', out]);
    const before = await tracesOf(out);
    const { stdout } = await leastwise(['run', '-f', other, '--out', out]);
    expect(stdout).toContain('nothing changed');
    expect(await tracesOf(out)).toEqual(before);
    expect(before.length).toBeGreaterThan(5);
  });
});

describe('row 35: filters', () => {
  const events = [
    ask(ALICE, 'list pods ns1'),
    ask(ALICE, 'list pods ns2', { userAgent: 'helm/3' }),
    ask(ALICE, 'get pods/log ns1 a', { code: 404 }),
    ask(BOB, 'list secrets ns1'),
    ask(userActor('system:kube-scheduler'), 'list nodes'),
    ask(ALICE, 'get /metrics'),
    ask(ALICE, 'delete secrets ns2 s', REFUSED),
  ];
  const rules = async (...filters: string[]): Promise<unknown> => {
    const flags = filters.flatMap((filter) => ['--filter', filter]);
    const { stdout } = await leastwise(['generate', '-q', '-f', '-', '--all', ...flags], {
      stdin: logOf(events),
    });
    return Object.values(rulesOf(stdout)).flat().sort();
  };
  const ALL = ['get /metrics', 'get pods/log [a]', 'list nodes', 'list pods', 'list pods', 'list secrets'];
  const without = (...left: string[]): string[] => ALL.filter((rule) => !left.includes(rule));

  test.each([
    ['deny user=system:*', without('list nodes')],
    ['deny group=devs', without('list secrets')],
    ['deny namespace=ns1', ['get /metrics', 'list nodes', 'list pods']],
    ['deny namespace=', without('get /metrics', 'list nodes')],
    ['deny verb=get', ['list nodes', 'list pods', 'list pods', 'list secrets']],
    ['deny verb=get,list resource=pods', ['get /metrics', 'get pods/log [a]', 'list nodes', 'list secrets']],
    ['deny resource=pods/log', without('get pods/log [a]')],
    ['deny resource=/metrics', without('get /metrics')],
    ['deny userAgent=helm*', ALL.toSpliced(3, 1)],
    ['deny code=404', without('get pods/log [a]')],
    ['deny user=alice namespace=ns2', ALL.toSpliced(3, 1)],
    ['deny user=bob namespace=ns2', ALL],
    ['deny', []],
  ])('%s: conditions are joined by AND', async (filter, expected) => {
    expect(await rules(filter)).toEqual(expected);
  });

  test('the first match wins, and the default action is what it is set to', async () => {
    expect(await rules('allow user=alice verb=list', 'deny user=alice')).toEqual([
      'list nodes',
      'list pods',
      'list pods',
      'list secrets',
    ]);
    expect(await rules('deny user=alice', 'allow user=alice verb=list')).toEqual([
      'list nodes',
      'list secrets',
    ]);
    const args = [
      'generate',
      '-q',
      '-f',
      '-',
      '--all',
      '--filter',
      'allow user=bob',
      '--filter-default',
      'deny',
    ];
    const { stdout } = await leastwise(args, { stdin: logOf(events) });
    expect(rulesOf(stdout)).toEqual({ 'Role ns1': ['list secrets'] });
  });

  test('all mistakes are told at once', async () => {
    const bad = ['--filter', 'permit user=x', '--filter', 'deny usr=x', '--filter', 'deny user=a user=b'];
    const { code, stderr } = await leastwise(['generate', '-f', '-', '--all', ...bad]);
    expect(code).toBe(2);
    for (const text of ['permit user=x', 'usr=x', '"user" is there twice']) expect(stderr).toContain(text);
  });
});
