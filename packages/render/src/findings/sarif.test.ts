import { readFileSync } from 'node:fs';

import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HOSTILE_MARKDOWN } from '../pull-request/testing/skeleton.ts';
import { renderSarif, renderSarifLog } from './index.ts';
import { EMPTY, finding, namedBy, REPORT } from './testing/report.ts';

const SCHEMA = new URL('../../testdata/sarif/sarif-2.1.0-rtm.5.json', import.meta.url);

/** The schema is of draft 4: but for the names of two keywords, it reads the same today. */
function compileSchema() {
  const { $schema, id, ...schema } = JSON.parse(readFileSync(SCHEMA, 'utf8')) as Record<string, unknown>;
  expect([$schema, typeof id]).toEqual(['http://json-schema.org/draft-04/schema#', 'string']);
  const isUri = (text: string): boolean =>
    /^[\w.~:/?#@!$&'()*+,;=%-]*$/.test(text) && URL.canParse(text, 'x:/');
  const ajv = new Ajv({
    strict: false,
    unicodeRegExp: false,
    allErrors: true,
    formats: { uri: (text: string) => URL.canParse(text), 'uri-reference': isUri, 'date-time': true },
  });
  return ajv.compile(schema);
}
const validate = compileSchema();

interface Location {
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string; readonly uriBaseId?: string };
    readonly region: { readonly startLine: number };
  };
}
interface Log {
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly rules: readonly {
          readonly id: string;
          readonly properties: Readonly<Record<string, unknown>>;
          readonly defaultConfiguration: { readonly level: string };
        }[];
      };
    };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly Location[];
      readonly relatedLocations?: readonly Location[];
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly suppressions: readonly { readonly justification: string }[];
    }[];
  }[];
}

function valid(text: string): Log['runs'][number] {
  const log = JSON.parse(text) as Log;
  validate(log);
  expect(validate.errors ?? []).toEqual([]);
  const [run] = log.runs;
  if (run === undefined) throw new Error('no run');
  return run;
}

test('the schema refuses what is no SARIF', () => {
  const log = JSON.parse(renderSarif(REPORT)) as { runs: { results: object[] }[] };
  for (const wrong of [{ level: 'bad' }, { message: {} }, { locations: [{ line: 1 }] }, { surplus: 1 }]) {
    const [run] = log.runs;
    expect(validate({ ...log, runs: [{ ...run, results: [{ ...run?.results[0], ...wrong }] }] })).toBe(false);
  }
});

describe('a report', () => {
  test('reads as it did', async () => {
    valid(renderSarif(REPORT));
    await expect(renderSarif(REPORT)).toMatchFileSnapshot('testing/golden/report.sarif');
  });

  test('without findings has all rules and no results', () => {
    const run = valid(renderSarif(EMPTY));
    expect(run.results).toEqual([]);
    expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(['R001', 'R019', 'R030', 'R090']);
  });

  test('has file, line and key of each finding, and where its way leads', () => {
    const { results } = valid(renderSarif(REPORT));
    const [first, second, , fourth] = results;
    expect(first?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: 'deploy/rbac.yaml', uriBaseId: '%SRCROOT%' },
      region: { startLine: 12 },
    });
    expect(first?.relatedLocations?.map(({ physicalLocation }) => physicalLocation.region.startLine)).toEqual(
      [1],
    );
    expect(first?.partialFingerprints).toEqual({
      'leastwiseKey/v1': '00000001',
      primaryLocationLineHash: '00000001',
    });
    expect(second?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(
      'deploy/shop%20app/web%2C1.yaml',
    );
    expect(second?.message.text.split('\n').slice(1)).toEqual([
      'RoleBinding shop/web → ClusterRole ci → rule 1 → get secrets named s0 in namespace shop',
      'RoleBinding shop/web → ClusterRole ci → rule 2 → get secrets named s1 in namespace shop',
      'RoleBinding shop/web → ClusterRole ci → rule 3 → get secrets named s2 in namespace shop',
      'and 9 more ways',
    ]);
    expect(fourth?.locations).toEqual([]);
  });

  test('says of every result whether it is suppressed, and by whom', () => {
    const { results } = valid(renderSarif(REPORT));
    expect(results.map(({ suppressions }) => suppressions.map(({ justification }) => justification))).toEqual(
      [[], [], [], ['moved to the vault by then (team-ops, until 2026-12-31)']],
    );
  });

  test('gives a rule the severity of its worst open finding, never less than its own', () => {
    const severities = (report: typeof REPORT): unknown[] =>
      valid(renderSarif(report)).tool.driver.rules.map(({ properties }) => properties['security-severity']);
    expect(severities(EMPTY)).toEqual(['9.5', '5.5', '5.5', '2.0']);
    expect(severities(REPORT)).toEqual(['9.5', '5.5', '8.0', '2.0']);
    const suppressed = { owner: 'o', until: '2026-12-31', reason: 'r' };
    const findings = [finding({ severity: 'INFO' }), finding({ check: 'R090', suppressed })];
    expect(severities({ ...EMPTY, findings })).toEqual(['9.5', '5.5', '5.5', '2.0']);
  });

  test.each([
    ['CRITICAL', 'error'],
    ['HIGH', 'error'],
    ['MEDIUM', 'warning'],
    ['LOW', 'note'],
    ['INFO', 'note'],
  ] as const)('takes %s for %s', (severity, level) => {
    expect(valid(renderSarif({ ...EMPTY, findings: [finding({ severity })] })).results[0]?.level).toBe(level);
  });

  test('is valid whatever the names are', () => {
    const hostile = fc.oneof(fc.constantFrom(...HOSTILE_MARKDOWN), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(hostile, (name) => {
        const { results } = valid(renderSarif(namedBy((at) => `${name}${at}`)));
        expect(results.map(({ ruleId, ruleIndex }) => [ruleId, ruleIndex])).toEqual([
          ['R001', 0],
          ['R030', 2],
        ]);
      }),
    );
  });
});

test.each([
  ['a/b.yaml', { uri: 'a/b.yaml', uriBaseId: '%SRCROOT%' }],
  ['./a.yaml', { uri: 'a.yaml', uriBaseId: '%SRCROOT%' }],
  ['../a.yaml', { uri: '../a.yaml', uriBaseId: '%SRCROOT%' }],
  ['a\\b.yaml', { uri: 'a/b.yaml', uriBaseId: '%SRCROOT%' }],
  ['/abs/a b.yaml', { uri: 'file:///abs/a%20b.yaml' }],
  ['c:d%41.yaml', { uri: 'c%3Ad%2541.yaml', uriBaseId: '%SRCROOT%' }],
])('the file %j is %j', (file, artifactLocation) => {
  const origin = { file, line: 1 };
  const findings = [finding({ object: { kind: 'Role', name: 'r', origin } })];
  const [result] = valid(renderSarif({ ...EMPTY, findings })).results;
  expect(result?.locations[0]?.physicalLocation.artifactLocation).toEqual(artifactLocation);
});

test('a log of another kind of rules is valid too, sorted by rule', () => {
  const rule = { title: 't', description: 'd', help: 'h', level: 'warning' } as const;
  const run = valid(
    renderSarifLog({
      toolVersion: '1',
      rules: [
        { ...rule, id: 'W02' },
        { ...rule, id: 'E01', securitySeverity: 7 },
      ],
      results: [{ ruleId: 'W02', level: 'note', message: 'm', fingerprint: 'f' }],
    }),
  );
  expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(['E01', 'W02']);
  expect(run.results[0]?.ruleIndex).toBe(1);
});
