import {
  addTally,
  type ActivityWindow,
  cellKey,
  createCalendar,
  emptyActivity,
  observeMatches,
  windowFor,
  windowStartUs,
} from '@leastwise/activity';
import { expect, test } from 'vitest';

import { ClusterDesk, TakenOverError } from './cluster-desk.ts';

const calendar = createCalendar('UTC');
if (calendar === undefined) throw new Error('UTC is not known');
const NUMBER = 5_900_000;

function windowWith(number: number, refused: ReadonlyMap<string, number>): ActivityWindow {
  const window = windowFor(emptyActivity('prod'), '5m', number);
  const us = windowStartUs('5m', number);
  for (const [name, count] of refused) {
    const sender = { subject: { kind: 'User', namespace: '', name }, client: 'kubectl' } as const;
    const cell = cellKey({ verb: 'delete', resource: 'pods', outcome: 'denied', sender });
    addTally(window, cell, { count, firstUs: us, lastUs: us });
  }
  return window;
}

test('of a kind the newest are kept, and those that nobody was told of are counted', async () => {
  const stored = new Map<string, Uint8Array>();
  const write = async (values: ReadonlyMap<string, Uint8Array>): Promise<boolean> => {
    for (const [field, value] of values) stored.set(field, value);
    return true;
  };
  const desk = new ClusterDesk('prod', { fields: new Map(), write }, { calendar });
  const crowd = new Map(Array.from({ length: 510 }, (_, n) => [`m${String(n)}`, 20]));
  const { alerts, beyond } = await desk.judge([[NUMBER, windowWith(NUMBER, crowd)]], []);
  expect([alerts.length, beyond]).toEqual([510, 10]);
  expect(desk.firing(windowStartUs('5m', NUMBER + 1))).toHaveLength(500);
  await desk.told(desk.firing(windowStartUs('5m', NUMBER + 1)));
  const later = await desk.judge([[NUMBER + 1, windowWith(NUMBER + 1, new Map([['late', 20]]))]], []);
  expect([later.alerts.length, later.beyond]).toEqual([1, 0]);
  const kept = [...stored].filter(([field, value]) => field.startsWith('a') && value.length > 0);
  expect(kept).toHaveLength(500);
});

test('what somebody else has taken over is not written', async () => {
  const desk = new ClusterDesk('prod', { fields: new Map(), write: async () => false }, { calendar });
  const window = windowWith(NUMBER, new Map([['mallory', 20]]));
  await expect(desk.judge([[NUMBER, window]], [])).rejects.toThrow(TakenOverError);
});

/** A window in which somebody listed all secrets. */
function windowWithFinds(number: number, count: number): ActivityWindow {
  const activity = new Map([['prod', emptyActivity('prod')]]);
  const us = windowStartUs('5m', number);
  const found = {
    ...{ subject: 'user:mallory', as: '' },
    matches: [{ id: 'D07', severity: 'CRITICAL', says: 'mallory: list secrets, all namespaces' }] as const,
  };
  const run = { count, firstUs: us, lastUs: us, samples: [{ us, auditID: 'a1' }] };
  observeMatches(activity, { cluster: 'prod', found, run, hasWindows: true });
  return windowFor(activity.get('prod') ?? emptyActivity('prod'), '5m', number);
}

test('single requests are told once an hour of a subject and detection, whoever judges, and never when they come late', async () => {
  const stored = new Map<string, Uint8Array>();
  const write = async (values: ReadonlyMap<string, Uint8Array>): Promise<boolean> => {
    for (const [field, value] of values) stored.set(field, value);
    return true;
  };
  const open = (): ClusterDesk =>
    new ClusterDesk(
      'prod',
      { fields: new Map([...stored].map(([field, value]) => [field, Buffer.from(value)])), write },
      { calendar },
    );
  const hour = NUMBER - (NUMBER % 12);
  const judge = async (...numbers: number[]) =>
    (
      await open().judge(
        numbers.map((number) => [number, windowWithFinds(number, 3)]),
        [],
      )
    ).alerts;
  expect(await open().judge([], [windowWithFinds(hour - 1, 9)])).toMatchObject({ alerts: [] });
  const says = 'mallory: list secrets, all namespaces; 3 such in 5 min, the first has auditID a1';
  expect(await judge(hour, hour + 1)).toMatchObject([{ kind: 'event', id: 'D07', says }]);
  expect(await judge(hour + 11)).toEqual([]);
  expect(await judge(hour + 12)).toHaveLength(1);
});
