// Rows 1 to 5: what no peer keeps. Real logs are in ../promises.test.ts; here the logs are hostile.
import type { AuditEvent, Permission, Subject } from '@leastwise/audit-event';
import type { PolicyRule, RbacObject } from '@leastwise/rbac';
import {
  arbitraryLog,
  auditLog,
  createRandom,
  HOSTILE_USERNAMES,
  type RequestScenario,
  serviceAccountActor,
  userActor,
} from '@leastwise/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ownFolder, treeOf, written } from '../support/folders.ts';
import { leastwise } from '../support/leastwise.ts';
import { ALICE, ask, logOf } from '../support/log.ts';
import { allows, cellsOf, objectsOf, rulesOf, withoutEach } from '../support/rbac.ts';

// Logs long enough for requests to meet.
fc.configureGlobal({ baseSize: 'medium' });

const folder = ownFolder();
/** Knobs that leave out nothing that a rule could say, but for namespaces that were deleted. */
const EVERYTHING = [
  '--include-other-authorizers',
  '--special-verbs',
  'Grant',
  '--namespace-idle-days',
  '100000',
  '--retention-days',
  '100000',
];

async function policiesOf(log: string, flags: readonly string[]): Promise<RbacObject[]> {
  const args = ['generate', '-f', '-', '--all', '-o', 'json', '-q', ...flags];
  const { stdout, code, stderr } = await leastwise(args, { stdin: log });
  expect(code, stderr).toBeLessThan(2);
  return code === 1 ? [] : objectsOf(stdout);
}

/** By the documentation of the bootstrap roles; none but discovery occurs in the generated logs. */
function isDiscovery({ verb, path }: Permission): boolean {
  return verb === 'get' && /^\/(?:healthz|livez|readyz|version\/?|(?:api|apis|openapi)(?:\/.*)?)$/.test(path);
}

/** What no rule can be written for: control characters in a name, or a name that no object can have. */
function isImpossible({ name }: Permission, subject: Subject): boolean {
  return name.length > 253 || CONTROL.test(name) || CONTROL.test(subject.name);
}

const CONTROL = /[\u0000-\u001F\u007F-\u009F\uFFFD]/u;

/** Namespaces that may be gone: some of them were made again. */
function deletedNamespaces(requests: readonly RequestScenario[]): Set<string> {
  const events = requests.filter(({ outcome }) => outcome === 'allowed').flatMap((each) => each.events);
  const deletions = events.filter(
    ({ verb, code, requestURI, objectRef }) =>
      verb === 'delete' &&
      objectRef?.resource === 'namespaces' &&
      code < 300 &&
      !requestURI.includes('dryRun'),
  );
  return new Set(deletions.map(({ objectRef }) => objectRef?.name ?? ''));
}

/** What is needed for a log: the permissions of its allowed requests, and what the API server asks besides. */
function needsOf(requests: readonly RequestScenario[]) {
  return requests.flatMap(({ outcome, subject, permissions }) => {
    if (outcome !== 'allowed' || subject === undefined) return [];
    const upgrades = permissions.filter(
      ({ verb, resource }) => verb === 'get' && /^pods\/(?:exec|attach|portforward)$/.test(resource),
    );
    return [...permissions, ...upgrades.map((each) => ({ ...each, verb: 'create' }))].map((permission) => ({
      subject,
      permission,
    }));
  });
}

/** Whether a request surely came to a decision: a failure without one may have come before. */
function isDecided({ events }: RequestScenario): boolean {
  const answers = events.filter(({ stage }) => stage !== 'RequestReceived');
  return answers.some(({ decision, code }) => decision !== '' || code < 500);
}

/** What of it has to be granted, but for the exceptions that the design lists. */
function mustsOf(requests: readonly RequestScenario[]) {
  const deleted = deletedNamespaces(requests);
  return needsOf(requests.filter(isDecided)).filter(
    ({ permission, subject }) =>
      !isDiscovery(permission) && !isImpossible(permission, subject) && !deleted.has(permission.namespace),
  );
}

describe('row 1: soundness', () => {
  test.each([
    ['the defaults', []],
    ['exact', ['--preset', 'exact']],
    ['audit2rbac', ['--preset', 'audit2rbac']],
    ['audicia', ['--preset', 'audicia']],
    ['all wide', ['--verb-merge', 'Smart', '--wildcards', 'Safe', '--scope-mode', 'ClusterScopeAllowed']],
    ['shared', ['--share-roles', '--namespace-group', 'preview-*', '--namespace-group', 's*']],
  ])('with %s, every counted request is allowed by the objects', async (_, flags) => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryLog(), async ({ requests, events }) => {
        const objects = await policiesOf(auditLog(events), [...EVERYTHING, ...flags]);
        for (const { subject, permission } of mustsOf(requests)) {
          asked += 1;
          expect(allows(objects, subject, permission), JSON.stringify({ subject, permission })).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
    expect(asked).toBeGreaterThan(200);
  });

  // Its compaction unites an unnamed rule with a named one and drops what the unnamed one allowed.
  test('names.log: an update of a and patches of b and c stay allowed, under the preset of audit2rbac too', async () => {
    const asked = ['update configmaps ns1 a', 'patch configmaps ns1 b', 'patch configmaps ns1 c'];
    const log = logOf(asked.map((text) => ask(ALICE, text)));
    for (const preset of ['exact', 'audit2rbac', 'audicia']) {
      const objects = await policiesOf(log, ['--preset', preset]);
      for (const text of asked) {
        const [verb = '', resource = '', namespace = '', name = ''] = text.split(' ');
        const permission = { verb, apiGroup: '', resource, namespace, name, path: '' };
        expect(allows(objects, ALICE.subject, permission), `${preset}: ${text}`).toBe(true);
      }
    }
  });

  test('refused requests never become grants', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog(), async ({ requests }) => {
        const allowed = requests.filter(({ outcome }) => outcome === 'allowed');
        const flags = [...EVERYTHING, '--as-of', '2026-12-31'];
        const all = await policiesOf(auditLog(requests.flatMap(({ events }) => events)), flags);
        // The real users of refused impersonated requests were allowed to impersonate: that is a grant of its own.
        const others = requests.filter(({ outcome, events }) => {
          return (
            outcome === 'denied' && events.some(({ impersonatedUser }) => impersonatedUser !== undefined)
          );
        });
        const some = [...allowed, ...others].flatMap(({ events }) => events);
        expect(all).toEqual(await policiesOf(auditLog(some), flags));
      }),
      { numRuns: 30 },
    );
  });
});

/** The event as if the impersonated user had sent the request: impersonation has permissions of its own. */
function directly(event: AuditEvent): AuditEvent {
  const user = event.impersonatedUser ?? event.user;
  return { ...event, user, impersonatedUser: undefined, impersonationConstraint: '' };
}

describe('row 2: minimality', () => {
  test('with widening off, taking away any cell refuses a counted request', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryLog({ maxRequests: 20 }), async ({ requests }) => {
        const log = auditLog(requests.flatMap(({ events }) => events).map(directly));
        const objects = await policiesOf(log, [...EVERYTHING, '--preset', 'exact']);
        const needs = needsOf(requests);
        for (const { left, taken: cell } of withoutEach(objects, cellsOf)) {
          taken += 1;
          const breaks = needs.some(({ subject, permission }) => !allows(left, subject, permission));
          expect(breaks, `${JSON.stringify(cell)} is granted and nobody needs it`).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  test('what a wider grant covers is not granted twice', async () => {
    const texts = [
      'list pods',
      'list pods ns1',
      'get secrets ns1 s',
      'patch configmaps ns1 c',
      'list secrets ns1',
    ];
    const overlapping = [...texts, 'list secrets ns1 s', 'watch pods ns1', 'get nodes - n', 'list nodes'];
    const log = logOf(overlapping.map((text) => ask(ALICE, text)));
    const objects = await policiesOf(log, ['--preset', 'exact']);
    const granted = objects.flatMap((object) => ('rules' in object ? object.rules.flatMap(cellsOf) : []));
    expect(granted).toHaveLength(overlapping.length - 2);
  });

  test('get pods and list services never share a rule', async () => {
    const log = logOf([ask(ALICE, 'get pods ns1 a'), ask(ALICE, 'list services ns1')]);
    expect(rulesOf(await yamlOf(log, []))).toEqual({ 'Role ns1': ['get pods [a]', 'list services'] });
  });
});

async function yamlOf(log: string, flags: readonly string[]): Promise<string> {
  const { stdout } = await leastwise(['generate', '-f', '-', '--all', '-q', ...flags], { stdin: log });
  return stdout;
}

describe('row 3: byte-identical output', () => {
  test('under permutation and duplication of the events', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog(), fc.nat(), async ({ events }, seed) => {
        const random = createRandom(seed);
        const copies = random.shuffle([...events, ...events.filter(() => random.next() < 0.3)]);
        for (const flags of [['--why'], ['--preset', 'audit2rbac'], ['--preset', 'audicia']]) {
          expect(await yamlOf(auditLog(copies), flags)).toBe(await yamlOf(auditLog(events), flags));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('under partitioning over several runs, in any order, with and without restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog(),
        fc.array(fc.nat({ max: 3 }), { minLength: 30, maxLength: 30 }),
        async ({ events }, parts) => {
          const files: string[] = [];
          for (const part of [2, 0, 3, 1]) {
            const own = events.filter((_, index) => parts[index % parts.length] === part);
            files.push(await written(folder(`part-${part}.log`), auditLog(own)));
          }
          const [once, restarted] = [folder('once'), folder('restarted')];
          await leastwise(['run', '-q', '--out', once, '-f', ...files]);
          for (const file of files.toReversed())
            await leastwise(['run', '-q', '--out', restarted, '-f', file]);
          expect(await treeOf(restarted)).toEqual(await treeOf(once));
        },
      ),
      { numRuns: 8 },
    );
  });
});

const LABEL = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function rulesProblem(object: RbacObject): string {
  const rules = 'rules' in object ? object.rules : [];
  const isUrl = ({ nonResourceURLs }: PolicyRule): boolean => nonResourceURLs !== undefined;
  if (object.kind === 'Role' && rules.some(isUrl)) return 'a URL in a Role';
  if (rules.some(({ verbs }) => verbs.length === 0 || verbs.includes(''))) return 'no verb';
  return rules.some((rule) => isUrl(rule) === (rule.resources !== undefined)) ? 'neither or both' : '';
}

function subjectsProblem(object: RbacObject): string {
  const subjects = 'subjects' in object ? object.subjects : [];
  const accounts = subjects.filter(({ kind }) => kind === 'ServiceAccount');
  if (subjects.some(({ name }) => name === '')) return 'nobody';
  return accounts.every(({ name }) => DNS_SUBDOMAIN.test(name)) ? '' : 'no service account';
}

/** What the API server's validation would say of an object, as far as peers get it wrong. */
function problemsOf(object: RbacObject): string[] {
  const { name, labels = {} } = object.metadata;
  const isName = name !== '' && name.length <= 253 && !/[/%]/.test(name);
  const isLabelled = Object.values(labels).every((value) => LABEL.test(value));
  const problems = [isName ? '' : 'the name', isLabelled ? '' : 'a label'];
  return [...problems, rulesProblem(object), subjectsProblem(object)].filter((problem) => problem !== '');
}

const CROWD = [
  ...HOSTILE_USERNAMES.filter((name) => !CONTROL.test(name)).map((name) => userActor(name)),
  ...['a.b', 'a-b', 'A.B', 'a:b', 'a_b', 'ns1.app', 'alice', 'Alice', 'sa-ns1.app'].map((name) =>
    userActor(name),
  ),
  serviceAccountActor('ns1', 'app'),
  serviceAccountActor('ns2', 'app'),
  serviceAccountActor('ns1', 'default'),
  serviceAccountActor('ns2', 'default'),
  serviceAccountActor('ns1', 'a.b'),
  serviceAccountActor('ns1', 'a-b'),
  serviceAccountActor('ns1', 'my-role-binding-sa'),
  serviceAccountActor('a'.repeat(63), 'b'.repeat(253)),
  serviceAccountActor('a'.repeat(63), `${'b'.repeat(252)}c`),
  serviceAccountActor('ns1', 'Not_Valid'),
];

/** Everybody did the same, so that only names tell their objects apart. */
const CROWDED = logOf(
  CROWD.flatMap((actor) => [
    ask(actor, 'list nodes'),
    ask(actor, 'get /metrics'),
    ask(actor, 'get secrets ns1 s'),
    ask(actor, 'create configmaps ns1 c'),
    ask(actor, 'deletecollection pods ns1'),
  ]),
);

const PRESETS = [
  ['the defaults', []],
  ['exact', ['--preset', 'exact']],
  ['audit2rbac', ['--preset', 'audit2rbac']],
  ['audicia', ['--preset', 'audicia']],
] as const;

describe('row 4: every object is valid', () => {
  test.each(PRESETS)('with %s, whatever subjects are called', async (_, flags) => {
    const objects = await policiesOf(CROWDED, flags);
    expect(objects.length).toBeGreaterThan(4 * CROWD.length - 40);
    for (const object of objects) expect([object.metadata.name, ...problemsOf(object)]).toHaveLength(1);
  });

  test('a label of a long service account has at most 63 characters and ends with one of its own', async () => {
    const actor = serviceAccountActor('a'.repeat(63), `${'b'.repeat(200)}-`);
    const mail = userActor('alice.b@example.com.');
    const log = logOf([ask(actor, 'list pods ns1'), ask(mail, 'list pods ns1')]);
    const labels = (await policiesOf(log, ['--preset', 'audit2rbac'])).flatMap(({ metadata }) =>
      Object.values(metadata.labels ?? {}),
    );
    expect(labels).not.toHaveLength(0);
    for (const label of labels) expect(label).toMatch(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
  });

  test('creates of the top resource and deletecollection have no names', async () => {
    for (const [, flags] of PRESETS) {
      const rules = (await policiesOf(CROWDED, flags)).flatMap((each) => ('rules' in each ? each.rules : []));
      const unnameable = rules.filter(({ verbs, resourceNames }) => {
        return resourceNames && (verbs.includes('create') || verbs.includes('deletecollection'));
      });
      expect(unnameable).toEqual([]);
    }
  });
});

describe('row 5: names are injective', () => {
  test.each(PRESETS)('with %s, no two subjects have an object in common', async (preset, flags) => {
    const objects = await policiesOf(CROWDED, flags);
    const roles = objects.filter((object) => object.kind === 'Role').map(({ metadata }) => metadata.name);
    const bindings = objects.filter((object) => object.kind === 'RoleBinding');
    expect(roles, preset).toHaveLength(CROWD.length);
    const repeated = roles.filter((name, index) => roles.indexOf(name) !== index);
    expect(repeated).toEqual([]);
    expect(new Set(bindings.map(({ metadata }) => metadata.name)).size).toBe(CROWD.length);
  });

  test.each(PRESETS)('with %s, a run publishes them all', async (_, flags) => {
    const out = folder('out');
    const { code, stderr } = await leastwise(['run', '-q', '-f', '-', '--out', out, ...flags], {
      stdin: CROWDED,
    });
    expect([code, stderr]).toEqual([0, '']);
  });

  // A user may be called like a service account is in a template.
  test('with audit2rbac, a user called ns1:app and the service account ns1:app are two', async () => {
    const log = logOf(
      [userActor('ns1:app'), serviceAccountActor('ns1', 'app')].map((each) => ask(each, 'list nodes')),
    );
    const names = (await policiesOf(log, ['--preset', 'audit2rbac'])).map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(2);
  });

  test('a name never depends on who else was seen', async () => {
    for (const actor of CROWD) {
      const alone = await policiesOf(logOf([ask(actor, 'get secrets ns1 s')]), []);
      const [role] = alone;
      const names = (await policiesOf(CROWDED, [])).map(({ metadata }) => metadata.name);
      expect(names).toContain(role?.metadata.name);
    }
  });

  test('a binding says in its name which kind of role it binds, since that can never change', async () => {
    const bindings = (await policiesOf(CROWDED, [])).filter((each) => 'roleRef' in each);
    for (const { metadata, roleRef } of bindings) {
      expect(metadata.name.endsWith(roleRef.kind === 'Role' ? '-role-binding' : '-clusterrole-binding')).toBe(
        true,
      );
    }
  });
});
