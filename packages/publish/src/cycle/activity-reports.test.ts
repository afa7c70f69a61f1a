import { type DetectionFinding, observeMatches, pseudonymsBy } from '@leastwise/activity';
import { DAY_US } from '@leastwise/rbac';
import { activityDayPath, activityIndexPath } from '@leastwise/render';
import { describe, expect, test } from 'vitest';

import type { ActivityReportSettings } from './activity-reports.ts';
import { activityOf, type Done } from './testing/activity.ts';
import { Scene } from './testing/scene.ts';
import { asked, CART, days, stateOf, T0 } from './testing/states.ts';
import type { ObservedState } from './types.ts';

const FIRST = T0 / DAY_US;
const BRANCH = 'prod.kubectl.reports';
const INDEX = activityIndexPath('prod');
const BOT = 'system:serviceaccount:ci:bot';

const DONE: readonly Done[] = [
  { user: 'alice', verb: 'delete', day: 0 },
  { user: BOT, verb: 'get', day: 0 },
  { user: BOT, verb: 'delete', as: 'carol', day: 0 },
  { user: 'alice', verb: 'get', day: 2 },
  { user: 'bob', verb: 'create', day: 3 },
];

function path(day: number): string {
  return activityDayPath('prod', FIRST + day);
}

/** What is known after some requests, the last one on the fourth day, or later. */
function state(
  done: readonly Done[] = DONE,
  more: { readonly until?: number; readonly findings?: readonly DetectionFinding[] } = {},
): ObservedState {
  const { until = 3, findings } = more;
  return {
    ...stateOf(asked(CART, ['list pods shop'], days(0, until))),
    activity: {
      states: activityOf(done),
      ...(findings && { findings: new Map([['prod', findings]]) }),
    },
  };
}

function scene(people: string, settings: ActivityReportSettings = {}, files = {}): Scene {
  const team = `version: 1\nreports: { destination: base, people: ${people} }\n`;
  return new Scene({ activityReports: settings }, { 'leastwise.yaml': team, ...files });
}

function reportsIn({ files }: Scene): string[] {
  return [...files.keys()].filter((each) => each.startsWith('reports/')).sort();
}

function spike(day: number): DetectionFinding {
  const startUs = T0 + day * DAY_US;
  return {
    ...{ id: 'D50', kind: 'spike', severity: 'HIGH', title: 'Spike', startUs, endUs: startUs + 300_000_000 },
    ...{ subject: { kind: 'User', namespace: '', name: 'alice' }, says: 'alice, delete: 212 in 5 min' },
    ...{ as: '', count: 1, samples: [] },
  };
}

describe('reports of activity', () => {
  test('are of each day that is over and has something to tell, and a page of them', async () => {
    const at = scene('named');
    await at.run(state());
    expect(reportsIn(at)).toEqual([path(0), path(2), INDEX].sort());
    expect(at.files.get(path(0))).toContain('`kubectl delete pods -n shop`');
    expect(at.files.get(path(2))).not.toContain('kubectl delete');
    expect(at.files.get(INDEX)).toContain('<!doctype html>');
    expect(at.files.get(INDEX)).not.toContain('bob');
  });

  test('are not written again while they are the same, and are when one more request comes', async () => {
    const at = scene('named');
    await at.run(state());
    const before = at.changes;
    await at.run(state());
    expect(at.changes).toBe(before);
    const head = at.files.get(path(2));
    await at.run(state([...DONE, { user: 'alice', verb: 'delete', day: 0, name: 'late' }]));
    expect(at.changes).toBeGreaterThan(before);
    expect(at.files.get(path(0))).toContain('late');
    expect(at.files.get(path(2))).toBe(head);
  });

  test('go to a branch with a pull request of their own, unless the team has it otherwise', async () => {
    const at = new Scene({ activityReports: {} });
    await at.run(state());
    expect(at.openBranches).toContain(BRANCH);
    expect(at.world.filesAt(`leastwise/${BRANCH}`).get(path(0))).toContain(BOT);
    expect(at.files.has(path(0))).toBe(false);
  });

  test('leave people out by default, wherever their names stand', async () => {
    const at = scene('none');
    await at.run(state());
    expect(reportsIn(at)).toEqual([path(0), INDEX].sort());
    for (const each of [path(0), INDEX]) {
      const text = at.files.get(each) ?? '';
      expect(text).toContain(BOT);
      expect(text).toContain('People are left out');
      expect(text).toContain('a-person');
      for (const name of ['alice', 'carol', 'bob']) expect(text).not.toContain(name);
    }
  });

  test('tell what detections found in single requests, of everybody, once, though an alert told it too', async () => {
    const at = scene('named');
    const observed = state();
    const [activity] = observed.activity?.states ?? [];
    if (activity === undefined) throw new Error('no activity');
    const us = T0 + 2 * DAY_US + 60_000_000;
    observeMatches(new Map([[activity.cluster, activity]]), {
      cluster: activity.cluster,
      found: {
        ...{ subject: 'serviceaccount:ci:bot', as: '' },
        matches: [{ id: 'D07', severity: 'CRITICAL', says: `${BOT}: list secrets, all namespaces` }],
      },
      run: { count: 4, firstUs: us, lastUs: us, samples: [{ us, auditID: 'a1' }] },
      hasWindows: true,
    });
    const alert = { ...spike(2), id: 'D07', kind: 'event', says: 'told before' } as const;
    await at.run({
      ...observed,
      activity: { states: [activity], findings: new Map([['prod', [alert, spike(2)]]]) },
    });
    const text = at.files.get(path(2)) ?? '';
    expect(text).toContain('Secrets of all namespaces listed (`D07`)');
    expect(text).toContain('4 such on that day');
    expect(text).toContain('(`D50`)');
    expect(text).not.toContain('told before');
    expect(text).toContain('from a log alone: `D03, D04, D05, D08, D11, D28, D40, D53`.');
    expect(text).toContain('as alerting found them');
  });

  test('have the same pseudonyms by the same key, and no people where the key is missing', async () => {
    const pseudonymOf = pseudonymsBy(Buffer.from('0123456789abcdef'));
    const at = scene('pseudonymous', { pseudonymOf });
    await at.run(state(DONE, { findings: [spike(0)] }));
    const text = at.files.get(path(0)) ?? '';
    expect(text).toContain(pseudonymOf('alice'));
    expect(text).toContain(pseudonymOf('carol'));
    for (const name of ['alice', 'carol']) expect(text).not.toContain(name);

    const without = scene('pseudonymous');
    const { problems } = await without.run(state());
    expect(problems).toEqual([expect.stringContaining('no key')]);
    expect(without.files.get(path(0))).not.toContain('alice');
  });

  test('tell what the stream found, on its day, with its numbers', async () => {
    const at = scene('named');
    await at.run(state(DONE, { findings: [spike(2)] }));
    expect(at.files.get(path(2))).toMatch(/\*\*high\*\*[^]*D50[^]*212 in 5 min/i);
    expect(at.files.get(path(0))).not.toContain('212 in 5 min');
    const none = scene('none');
    await none.run(state(DONE, { findings: [spike(0)] }));
    expect(none.files.get(path(0))).not.toContain('212');
  });

  test('are removed when they are older than the team keeps them, and no file of a person ever', async () => {
    const team = 'version: 1\nreports: { destination: base, people: named, retentionDays: 3 }\n';
    const foreign = activityDayPath('prod', FIRST - 40);
    const at = scene('named', {}, { 'leastwise.yaml': team, [foreign]: 'mine', [path(1)]: 'mine too' });
    await at.run(state(DONE, { until: 2 }));
    expect(reportsIn(at)).toContain(path(0));
    const { problems } = await at.run(state([...DONE, { user: 'alice', verb: 'get', day: 1 }]));
    expect(reportsIn(at)).toEqual([foreign, path(1), path(2), INDEX].sort());
    expect(problems).toEqual([expect.stringContaining(path(1))]);
    await at.run(state(DONE, { until: 40 }));
    expect(reportsIn(at)).toEqual([foreign, path(1)].sort());
  });

  test('keep people no longer when the team has changed its mind', async () => {
    const at = scene('named');
    await at.run(state());
    at.commit('main', { 'leastwise.yaml': 'version: 1\nreports: { destination: base }\n' });
    await at.run(state());
    expect(reportsIn(at)).toEqual([path(0), INDEX].sort());
    expect([...at.files.values()].join('')).not.toContain('alice');
  });

  test('stay as they are where the state was built anew from the middle of their day', async () => {
    const at = scene('named');
    await at.run(state());
    const before = at.files.get(path(0));
    const again = state(DONE.slice(1));
    const clusters = again.clusters.map((each) => ({ ...each, firstSeenUs: T0 + 1 }));
    await at.run({ ...again, clusters });
    expect(at.files.get(path(0))).toBe(before);
  });

  test('stay where nobody asks for reports', async () => {
    const at = scene('named');
    await at.run(state());
    const before = reportsIn(at);
    const { clusters } = state();
    await at.run({ clusters, late: 0, lost: 0 });
    expect(reportsIn(at)).toEqual(before);
  });

  test('survive names that are made to break out', async () => {
    const hostile = '<script>alert(1)</script>|`]\n# @team ../../x \u202e';
    const at = scene('named');
    await at.run(state([{ user: hostile, verb: 'delete', name: hostile, day: 0 }]));
    const [text = '', page = ''] = [at.files.get(path(0)), at.files.get(INDEX)];
    expect(text).not.toMatch(/^# @team/m);
    expect(page).not.toContain('<script>alert');
    expect(text).not.toContain('\u202e');
  });
});
