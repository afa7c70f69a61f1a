import { type Alert, alertField, encodeAlert } from '@leastwise/activity';
import { expect, test } from 'vitest';

import { alertedSubjects, alertFindings, readAlerts } from './alerted-subjects.ts';

function alertOf(name: string, endUs: number, kind: Alert['kind'] = 'spike'): readonly [string, Buffer] {
  const alert: Alert = {
    cluster: 'prod',
    id: 'D50',
    kind,
    severity: 'HIGH',
    subject: { kind: 'User', namespace: '', name },
    about: 'delete pods',
    startUs: endUs - 300_000_000,
    endUs,
    says: '',
    isTold: true,
  };
  return [alertField(alert), Buffer.from(encodeAlert(alert))];
}

test('subjects are held whose alerts are young enough, and nothing else that is remembered counts', async () => {
  const fields = new Map([
    alertOf('old', 1000),
    alertOf('young', 1001),
    alertOf('young', 2000),
    alertOf('new', 2000, 'first'),
    alertOf('admin', 2000, 'event'),
    ['adamaged', Buffer.from('{')] as const,
    ['m', Buffer.from('[1,2,3]')] as const,
  ]);
  const memory = {
    clusters: () => Promise.resolve(['prod', 'quiet']),
    read: (cluster: string) => Promise.resolve(cluster === 'prod' ? fields : new Map<string, Buffer>()),
  };
  expect(alertedSubjects(await readAlerts(memory), 1000)).toEqual(
    new Map([['prod', new Set(['user:young'])]]),
  );
});

test('findings of all alerts are told in time, the same in any order of the fields', async () => {
  const entries = [
    alertOf('late', 900_000_000),
    alertOf('early', 600_000_000, 'refused'),
    alertOf('a', 900_000_000),
  ];
  const findings = async (fields: readonly (readonly [string, Buffer])[]) => {
    const read = new Map([
      ...fields,
      ['adamaged', Buffer.from('{')] as const,
      ['m', Buffer.from('[1]')] as const,
    ]);
    const memory = { clusters: () => Promise.resolve(['prod']), read: () => Promise.resolve(read) };
    return alertFindings(await readAlerts(memory)).get('prod');
  };
  const found = await findings(entries);
  expect(found?.map(({ subject, kind, id, startUs }) => [subject?.name, kind, id, startUs])).toEqual([
    ['early', 'window', 'D50', 300_000_000],
    ['a', 'spike', 'D50', 600_000_000],
    ['late', 'spike', 'D50', 600_000_000],
  ]);
  expect(found?.[0]?.title).not.toBe('D50');
  expect(await findings(entries.toReversed())).toEqual(found);
});
