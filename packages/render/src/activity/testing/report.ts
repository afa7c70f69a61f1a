import type { ActivityReport, CommandRow, PersonReport, UnusualRow } from '@leastwise/activity';

/** 2026-11-16 09:00 UTC. */
const AT_US = Date.UTC(2026, 10, 16, 9) * 1000;

/** A command that was run once, changed as given. */
export function commandRow(overrides: Partial<CommandRow> = {}): CommandRow {
  return {
    text: 'kubectl delete pods -n web',
    certainty: 'inferred',
    count: 1,
    refused: 0,
    failed: 0,
    names: ['p1'],
    moreNames: 0,
    firstUs: AT_US,
    lastUs: AT_US,
    ...overrides,
  };
}

function none(): PersonReport['commands'] {
  return { rows: [], more: 0 };
}

/** A person who deleted a pod, changed as given. */
export function person(overrides: Partial<PersonReport> = {}): PersonReport {
  return {
    name: 'alice',
    kind: 'person',
    isMaster: false,
    requests: 1,
    refused: 0,
    firstUs: AT_US,
    lastUs: AT_US,
    discovery: 3,
    clients: [
      {
        kind: 'kubectl',
        program: 'kubectl',
        version: 'v1.34.1',
        platform: 'linux/amd64',
        isPlugin: false,
        requests: 4,
        refused: 0,
      },
    ],
    moreClients: { rows: 0, requests: 0 },
    verbs: [{ verb: 'delete', requests: 1, refused: 0 }],
    namespaces: [{ namespace: 'web', requests: 1, refused: 0 }],
    moreNamespaces: { rows: 0, requests: 0 },
    commands: { rows: [commandRow()], more: 0 },
    refusedAttempts: none(),
    deletes: { rows: [commandRow()], more: 0 },
    execs: none(),
    secretReads: none(),
    firstSeen: undefined,
    moreFirstSeen: 0,
    offHours: undefined,
    untold: 0,
    ...overrides,
  };
}

/** A spike in five minutes, changed as given. */
export function unusualRow(overrides: Partial<UnusualRow> = {}): UnusualRow {
  return {
    severity: 'high',
    atUs: AT_US,
    untilUs: AT_US + 300_000_000,
    who: 'alice',
    title: 'Spike',
    why: 'alice, delete pods: 212 in 5 min.',
    detection: 'D50',
    times: 1,
    days: 1,
    auditIDs: ['id-1', 'id-2'],
    ...overrides,
  };
}

/** A report of one person and one change, changed as given. */
export function report(overrides: Partial<ActivityReport> = {}): ActivityReport {
  const hours = Array.from({ length: 24 }, (_, hour) => (hour === 9 ? 1 : 0));
  return {
    cluster: 'prod',
    period: { from: '2026-11-16', to: '2026-11-16' },
    timeZone: 'UTC',
    officeHours: undefined,
    isPseudonymous: false,
    hasAllClients: false,
    totals: {
      people: 1,
      serviceAccounts: 0,
      requests: 1,
      refused: 0,
      commands: 1,
      changes: 1,
      deletes: 1,
      execs: 0,
      secretReads: 0,
      discovery: 3,
    },
    heat: [{ day: '2026-11-16', requests: hours, refused: hours.map(() => 0) }],
    people: [person()],
    others: { requests: 0, refused: 0 },
    changes: [
      {
        atUs: AT_US,
        lastUs: AT_US,
        who: 'alice',
        kind: 'person',
        text: 'kubectl delete pods/p1 -n web',
        certainty: 'inferred',
        verbClass: 'delete',
        resource: 'pods',
        namespace: 'web',
        names: ['p1'],
        moreNames: 0,
        outcome: 'done',
        code: 200,
        count: 1,
        auditID: 'id-1',
      },
    ],
    moreChanges: 0,
    unusual: [unusualRow()],
    moreUnusual: 0,
    blindSpots: ['Clients name themselves.'],
    ...overrides,
  };
}

/** A report in which every text of the log is the one given. */
export function reportOfText(text: string): ActivityReport {
  const rows = { rows: [commandRow({ text, names: [text] })], more: 0 };
  const plain = report();
  return report({
    cluster: text,
    timeZone: text,
    people: [
      person({
        name: text,
        namespaces: [{ namespace: text, requests: 1, refused: 1 }],
        commands: rows,
        refusedAttempts: rows,
        deletes: rows,
        execs: rows,
        secretReads: rows,
        firstSeen: [{ verb: text, resource: text, firstUs: AT_US }],
      }),
    ],
    changes: plain.changes.map((row) => ({
      ...row,
      who: text,
      text,
      names: [text],
      namespace: text,
      count: 2,
    })),
    unusual: [
      unusualRow({ who: text, why: text, auditIDs: [text] }),
      unusualRow({ severity: 'low', who: text, why: text, auditIDs: [text], detection: undefined }),
    ],
    blindSpots: [text],
  });
}
