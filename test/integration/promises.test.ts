// Two of the three promises, kept on recordings of real API servers: sound and minimal.
import { join } from 'node:path';

import type { CountedRequest, Permission, Subject } from '@leastwise/audit-event';
import { subjectKey } from '@leastwise/audit-event';
import type { PolicyRule, RbacObject, RefusalReport } from '@leastwise/rbac';
import {
  bootstrapDefaults,
  checkObjects,
  DEFAULT_OPTIONS,
  NEWEST_KUBERNETES,
  parseManifests,
  RefusalFinder,
} from '@leastwise/rbac';
import { createRandom } from '@leastwise/testkit';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, written } from './support/folders.ts';
import { leastwise, published } from './support/leastwise.ts';
import { allows, cellsOf, withoutEach } from './support/rbac.ts';
import {
  ALPHA,
  hasAlpha,
  linesIn,
  PUBLIC_LOGS,
  RECORDINGS,
  requestsIn,
  shortName,
} from './support/real-logs.ts';

/** A nightly run looks at everything; otherwise long loops take a sample, the same one each time. */
const isNightly = process.env['LEASTWISE_NIGHTLY'] === '1';
const folder = ownFolder();

function verify(log: string, rbac: string, ...flags: string[]) {
  return leastwise(['verify', '-f', log, '--rbac', rbac, '--special-verbs', 'Withhold', ...flags]);
}

async function objectsIn(out: string): Promise<RbacObject[]> {
  const objects: RbacObject[] = [];
  for (const [path, text] of Object.entries(await treeOf(join(out, 'clusters')))) {
    const parsed = parseManifests(text, path);
    expect(parsed.problems, path).toEqual([]);
    objects.push(...parsed.objects);
  }
  return objects;
}

const VERIFY_OPTIONS = {
  ...DEFAULT_OPTIONS,
  existing: bootstrapDefaults(NEWEST_KUBERNETES),
  retentionDays: Infinity,
};

function refusals(objects: readonly RbacObject[], requests: readonly CountedRequest[]): RefusalReport {
  const finder = new RefusalFinder(objects, VERIFY_OPTIONS);
  for (const request of requests) finder.add(request);
  return finder.report();
}

/** The subjects that objects are bound to. */
function boundTo(objects: readonly RbacObject[]): Set<string> {
  return new Set(
    objects.flatMap((object) =>
      'subjects' in object
        ? object.subjects.map(({ kind, namespace, name }) =>
            subjectKey({ kind, namespace: namespace ?? '', name }),
          )
        : [],
    ),
  );
}

/** The objects whose binding names one subject, with their roles. */
function objectsOfSubject(objects: readonly RbacObject[], subject: string): RbacObject[] {
  const bindings = objects.filter((object) => boundTo([object]).has(subject));
  const roles = new Set(
    bindings.map((each) => ('roleRef' in each ? `${each.roleRef.kind}/${each.roleRef.name}` : '')),
  );
  return objects.filter(
    (object) => bindings.includes(object) || roles.has(`${object.kind}/${object.metadata.name}`),
  );
}

function requestsOfSubject(requests: readonly CountedRequest[], subject: string): CountedRequest[] {
  return requests.filter(
    ({ need, impersonation }) =>
      subjectKey(need.subject) === subject ||
      (impersonation && subjectKey(impersonation.subject) === subject),
  );
}

/** What requests needed, each permission of each subject once. */
function needsIn(requests: readonly CountedRequest[]): { subject: Subject; permission: Permission }[] {
  const needs = new Map<string, { subject: Subject; permission: Permission }>();
  for (const { need, impersonation, outcome } of requests) {
    for (const each of [
      ...(outcome === 'allowed' ? [need] : []),
      ...(impersonation ? [impersonation] : []),
    ]) {
      const { subject } = each;
      const upgrades = each.permissions.filter(
        ({ verb, resource }) => verb === 'get' && /^pods\/(?:exec|attach|portforward)$/.test(resource),
      );
      for (const permission of [
        ...each.permissions,
        ...upgrades.map((one) => ({ ...one, verb: 'create' })),
      ]) {
        needs.set(JSON.stringify([subject, permission]), { subject, permission });
      }
    }
  }
  return [...needs.values()];
}

describe.each(RECORDINGS)('sound: %s', (_, log) => {
  test('verify finds nothing that the policies would refuse', async () => {
    const out = folder('out');
    await published(out, '-f', log);
    const { code, stdout } = await verify(log, join(out, 'clusters'));
    expect(stdout).toMatch(/^nothing would be refused: /);
    expect(code).toBe(0);
  });

  test('without any one rule, verify names the requests that need it', async () => {
    const out = folder('out');
    await published(out, '-f', log);
    const objects = await objectsIn(out);
    const requests = await requestsIn(log);
    let rules = 0;
    for (const subject of boundTo(objects)) {
      const own = requestsOfSubject(requests, subject);
      for (const { left, taken, from } of withoutEach(objectsOfSubject(objects, subject), (rule) => [rule])) {
        rules += 1;
        // Those whom this one impersonated have no policy among these objects.
        const refused = refusals(left, own).refused.filter((each) => subjectKey(each.subject) === subject);
        const what = `${subject}: ${from.metadata.namespace ?? ''} ${JSON.stringify(taken)}`;
        expect(refused.length, what).toBeGreaterThan(0);
        for (const { cell, count, sampleAuditID } of refused) {
          expect(isOfRule(taken, cell), what).toBe(true);
          expect(count).toBeGreaterThan(0);
          expect(own.some(({ auditID }) => auditID === sampleAuditID)).toBe(true);
        }
      }
    }
    expect(rules).toBeGreaterThan(40);
  });

  test('so does the command, with exit 1', async () => {
    const out = folder('out');
    await published(out, '-f', log);
    const objects = await objectsIn(out);
    const all = [...withoutEach(objects, (rule) => [rule])];
    for (const { left, taken } of createRandom(7).shuffle(all).slice(0, 3)) {
      const rbac = await written(
        folder('rbac.json'),
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: left }),
      );
      const { code, stdout } = await verify(log, rbac);
      expect(code).toBe(1);
      const verbs = new RegExp(
        `^refused {2}\\S.*: (?:${taken.verbs.join('|')}) .*, e\\.g\\. auditID [0-9a-f-]{36}\\)$`,
        'm',
      );
      expect(stdout).toMatch(verbs);
    }
  });

  test('every object is one that the API server accepts', async () => {
    const out = folder('out');
    await published(out, '-f', log);
    const objects = await objectsIn(out);
    expect(checkObjects(objects)).toEqual([]);
    expect(objects.length).toBeGreaterThan(20);
  });
});

function isOfRule(rule: PolicyRule, cell: Permission): boolean {
  if (!rule.verbs.includes(cell.verb)) return false;
  if (cell.resource === '') return rule.nonResourceURLs?.includes(cell.path) ?? false;
  return rule.resources?.includes(cell.resource) ?? false;
}

describe.skipIf(!hasAlpha)('cluster-alpha', () => {
  test('gives policies for at least 20 subjects, and none to the intruder', async () => {
    const out = folder('out');
    const { stdout } = await published(out, '-f', ALPHA, '-o', 'json');
    const summary = JSON.parse(stdout) as { policies: number; refused: number };
    const subjects = boundTo(await objectsIn(out));
    expect(summary.policies).toBe(subjects.size);
    expect(subjects.size).toBeGreaterThanOrEqual(20);
    const intruder = subjectKey({ kind: 'User', namespace: '', name: 'intruder' });
    expect([...subjects]).not.toContain(intruder);
    const requests = requestsOfSubject(await requestsIn(ALPHA), intruder);
    expect(requests.length).toBeGreaterThan(0);
    expect(JSON.stringify(Object.keys(await treeOf(join(out, 'clusters'))))).not.toContain('intruder');
  });
});

describe.each(RECORDINGS)('minimal: %s', (_, log) => {
  test('under --preset exact, each cell is needed by a counted request', async () => {
    const out = folder('out');
    await published(out, '-f', log, '--preset', 'exact');
    const objects = await objectsIn(out);
    const needs = needsIn(await requestsIn(log));
    const random = createRandom(11);
    let cells = 0;
    for (const subject of boundTo(objects)) {
      const own = needs.filter((need) => subjectKey(need.subject) === subject);
      const granted = objectsOfSubject(objects, subject);
      const asked = own.filter((need) => allows(granted, need.subject, need.permission));
      for (const { left, taken } of withoutEach(granted, cellsOf)) {
        if (!isNightly && random.next() > 0.5) continue;
        cells += 1;
        const breaks = asked.some((need) => !allows(left, need.subject, need.permission));
        expect(breaks, `${subject}: ${JSON.stringify(taken)} is granted and nobody needs it`).toBe(true);
      }
    }
    expect(cells).toBeGreaterThan(40);
  });

  test('refused requests leave no trace in the policies', async () => {
    const lines = await linesIn(log);
    const allowed = lines.filter((line) => !line.includes('"authorization.k8s.io/decision":"forbid"'));
    expect(allowed.length).toBeLessThan(lines.length);
    const [all, some] = [folder('all'), folder('some')];
    await published(all, '-f', log);
    await published(some, '-f', await written(folder('allowed.log'), `${allowed.join('\n')}\n`));
    expect(await treeOf(join(some, 'clusters'))).toEqual(await treeOf(join(all, 'clusters')));
  });
});

describe.skipIf(PUBLIC_LOGS.length === 0)('public logs', () => {
  test.each(PUBLIC_LOGS.map((path) => [shortName(path), path] as const))('%s', async (_, log) => {
    const [out, again] = [folder('out'), folder('again')];
    const flags = ['--preset', 'exact', '--kubernetes-version', '1.34', '--cluster', 'public'];
    const { stdout } = await published(out, '-f', log, '-o', 'json', ...flags);
    const summary = JSON.parse(stdout) as { input: { events: number }; policies: number };
    const objects = await objectsIn(out);
    expect(checkObjects(objects)).toEqual([]);
    expect(summary.policies).toBe(boundTo(objects).size);

    if (objects.length > 0) {
      const checked = await verify(
        log,
        join(out, 'clusters'),
        '--retention-days',
        '90',
        '--kubernetes-version',
        '1.34',
      );
      expect(checked.stdout).toMatch(/^nothing would be refused: /);
      expect(checked.code).toBe(0);
    }
    const lines = await linesIn(log);
    const isLinewise = lines.every((line) => /^[<\d{].*[}]$/.test(line));
    const shuffled = isLinewise ? createRandom(3).shuffle(lines) : lines;
    await published(again, '-f', await written(folder('again.log'), `${shuffled.join('\n')}\n`), ...flags);
    expect(await treeOf(again)).toEqual(await treeOf(out));
  });

  test('hold events of many kinds of API servers and shippers', async () => {
    let events = 0;
    let files = 0;
    for (const log of PUBLIC_LOGS) {
      const { length } = await requestsIn(log);
      events += length;
      if (length > 0) files += 1;
    }
    expect(files).toBeGreaterThan(35);
    expect(events).toBeGreaterThan(6000);
  });
});
