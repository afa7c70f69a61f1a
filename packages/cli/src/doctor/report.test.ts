import { describe, expect, test } from 'vitest';

import { colorsFor } from '../io.ts';
import { countsOf, verdictJson, verdictTable } from './report.ts';
import type { AreaVerdict } from './run-checks.ts';

const PLAIN = colorsFor(false, {});
const VERDICTS: readonly AreaVerdict[] = [
  { area: 'machine', outcome: 'ok', what: 'git', says: 'it can be started' },
  { area: 'configuration', outcome: 'failed', what: 'aggregator', says: 'no\nyes', remedy: 'Do it.' },
  { area: 'redis', outcome: 'warning', what: 'Redis', says: 'hm', remedy: 'Look.' },
  { area: 'log', outcome: 'skipped', what: 'x', says: 'not asked' },
];

describe('what was found', () => {
  test('is a table, with remedies below what they are for', () => {
    expect(verdictTable(VERDICTS, PLAIN)).toBe(`ok       machine        git: it can be started
FAILED   configuration  aggregator: no; yes
                        → Do it.
warning  redis          Redis: hm
                        → Look.
skipped  log            x: not asked

1 ok, 1 warnings, 1 failed, 1 skipped
`);
  });

  test('is counted', () => {
    expect(countsOf(VERDICTS)).toEqual({ ok: 1, warning: 1, failed: 1, skipped: 1 });
    expect(countsOf([])).toEqual({ ok: 0, warning: 0, failed: 0, skipped: 0 });
  });

  test('is JSON for machines', () => {
    expect(JSON.parse(verdictJson(VERDICTS))).toEqual({
      checks: [
        { area: 'machine', what: 'git', outcome: 'ok', says: 'it can be started' },
        { area: 'configuration', what: 'aggregator', outcome: 'failed', says: 'no; yes', remedy: 'Do it.' },
        { area: 'redis', what: 'Redis', outcome: 'warning', says: 'hm', remedy: 'Look.' },
        { area: 'log', what: 'x', outcome: 'skipped', says: 'not asked' },
      ],
      ...{ ok: 1, warning: 1, failed: 1, skipped: 1 },
    });
  });

  test('steers no terminal, whatever a server says, and is cut', () => {
    const hostile = `\u001b[2J\u202e${'x'.repeat(5000)}`;
    const verdicts: AreaVerdict[] = [
      { area: 'log', outcome: 'failed', what: hostile, says: hostile, remedy: hostile },
    ];
    for (const text of [verdictTable(verdicts, PLAIN), verdictJson(verdicts)]) {
      expect(text).not.toMatch(/[\u001b\u202e]/);
      expect(text.length).toBeLessThan(2200);
    }
  });
});
