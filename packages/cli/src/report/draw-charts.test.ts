import { activityCharts, CHART_NAMES, PAGE_COLORS, renderActivityHtml } from '@leastwise/render';
import type { ActivityReport } from '@leastwise/activity';
import { describe, expect, test } from 'vitest';

import { drawCharts } from './draw-charts.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** A report of one person of that name, of whom something was refused. */
function reportOf(name: string): ActivityReport {
  const none = { rows: [], more: 0 };
  return {
    cluster: name,
    period: { from: '2026-11-16', to: '2026-11-16' },
    timeZone: 'UTC',
    officeHours: undefined,
    isPseudonymous: false,
    hasAllClients: false,
    totals: {
      people: 1,
      serviceAccounts: 0,
      requests: 3,
      refused: 1,
      commands: 3,
      changes: 0,
      deletes: 0,
      execs: 0,
      secretReads: 0,
      discovery: 0,
    },
    heat: [{ day: '2026-11-16', requests: HOURS, refused: HOURS }],
    people: [
      {
        name,
        kind: 'person',
        isMaster: false,
        requests: 3,
        refused: 1,
        firstUs: 0,
        lastUs: 0,
        discovery: 0,
        clients: [],
        moreClients: { rows: 0, requests: 0 },
        verbs: [{ verb: 'read', requests: 3, refused: 1 }],
        namespaces: [],
        moreNamespaces: { rows: 0, requests: 0 },
        commands: none,
        refusedAttempts: none,
        deletes: none,
        execs: none,
        secretReads: none,
        firstSeen: undefined,
        moreFirstSeen: 0,
        offHours: undefined,
        untold: 0,
      },
    ],
    others: { requests: 0, refused: 0 },
    changes: [],
    moreChanges: 0,
    unusual: [],
    moreUnusual: 0,
    blindSpots: [],
  };
}

describe('drawn charts', () => {
  test.each([
    'alice',
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    'javascript:alert(1)',
    '\u202egnp',
    ']]>',
    '&amp;',
  ])(
    '%j: are taken by the page, whatever people are called, and are the same bytes each time',
    async (name) => {
      const specs = activityCharts(reportOf(name), PAGE_COLORS);
      const drawn = await drawCharts(specs);
      expect([...drawn.keys()]).toEqual([...CHART_NAMES]);
      expect(await drawCharts(specs)).toEqual(drawn);
      expect(renderActivityHtml(reportOf(name), drawn)).toContain(drawn.get('verbs'));
      expect(drawn.get('verbs')).toContain('fill="var(--read)"');
    },
  );
});
