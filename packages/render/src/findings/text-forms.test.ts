import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HOSTILE_MARKDOWN, skeletonOf } from '../pull-request/testing/skeleton.ts';
import {
  FINDINGS_JSON_VERSION,
  renderFindingsJson,
  renderFindingsMarkdown,
  renderFindingsTable,
  renderGithubAnnotations,
} from './index.ts';
import { EMPTY, finding, namedBy, REPORT, step } from './testing/report.ts';

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE_MARKDOWN, '::error::x', '%0A::error::x', ',title=x', ':', '%'),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'%:,=\r\n\u001b[]`|<>#@ a\u2028\u202e\ud800') }),
);
const harmless = namedBy((at) => `x${at}`);

describe('the table', () => {
  test('reads as it did', async () => {
    await expect(renderFindingsTable(REPORT)).toMatchFileSnapshot('testing/golden/report.txt');
  });

  test('says that there is nothing', () => {
    expect(renderFindingsTable(EMPTY)).toBe('no findings\n');
    expect(renderFindingsTable({ ...EMPTY, below: { severity: 'HIGH', count: 2 } })).toBe(
      'no findings; 2 below HIGH not shown\n',
    );
  });

  test('says how much was looked at', () => {
    const scanned = { files: 1, bindings: 2, roles: 0 };
    expect(renderFindingsTable({ ...EMPTY, scanned })).toBe(
      'no findings; scanned 2 bindings and 0 roles in 1 file\n',
    );
    expect(JSON.parse(renderFindingsJson({ ...EMPTY, scanned }))).toMatchObject({ summary: { scanned } });
  });

  test('shows what is in no file at the first place of its way that is in one', () => {
    const object = { kind: 'ClusterRole', name: 'admin' };
    const findings = [finding({ object, paths: [step({ role: object })] }), finding({ object, paths: [] })];
    const rows = renderFindingsTable({ ...EMPTY, findings }).matchAll(/^CRITICAL .* (\S+)$/gm);
    expect([...rows].map(([, where]) => where)).toEqual(['deploy/rbac.yaml:12', '-']);
  });

  test('has lines of its own only, with nothing in them that steers a terminal', () => {
    const lines = renderFindingsTable(harmless).split('\n').length;
    fc.assert(
      fc.property(hostile, (name) => {
        const text = renderFindingsTable(namedBy((at) => `${name}${at}`));
        expect(text.split('\n')).toHaveLength(lines);
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\ud800-\udfff]/u);
      }),
    );
  });

  test('is not made wide by one long name', () => {
    const object = { kind: 'Role', name: 'x'.repeat(300) };
    const [head = ''] = renderFindingsTable({ ...EMPTY, findings: [finding({ object }), finding()] }).split(
      '\n',
    );
    expect(head).toMatch(/^SEVERITY {2}CHECK {2}OBJECT {15} {2}WHERE$/);
  });
});

describe('the JSON', () => {
  test('has a version, the counts, and the findings as they are', () => {
    expect(JSON.parse(renderFindingsJson(REPORT))).toEqual({
      version: FINDINGS_JSON_VERSION,
      tool: { name: 'leastwise', version: '1.2.3' },
      summary: {
        open: { CRITICAL: 1, HIGH: 1, MEDIUM: 1, LOW: 0, INFO: 0 },
        suppressed: 1,
        notShown: 3,
      },
      findings: REPORT.findings,
    });
    expect(FINDINGS_JSON_VERSION).toBe(1);
  });

  test('keeps every name as it is', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const report = namedBy((at) => `${name}${at}`);
        expect(JSON.parse(renderFindingsJson(report))).toMatchObject({ findings: report.findings });
      }),
    );
  });
});

describe('the annotations', () => {
  test('read as they did', async () => {
    await expect(renderGithubAnnotations(REPORT)).toMatchFileSnapshot('testing/golden/report.github.txt');
  });

  test('escape what ends a property or a command', () => {
    const origin = { file: 'a:b,c%d\r\n.yaml', line: 3 };
    const findings = [
      finding({
        object: { kind: 'Role', name: 'x', origin },
        message: '100%: a,b::\n::error::no',
        paths: [],
      }),
    ];
    expect(renderGithubAnnotations({ ...EMPTY, findings }).split('\n')).toEqual([
      '::error file=a%3Ab%2Cc%25d\\u{d}\\u{a}.yaml,line=3,title=CRITICAL R001%3A Everything in the whole cluster' +
        '::Role x: 100%25: a,b::\\u{a}::error::no%0ATo put it right: Grant the verbs and resources that are used.',
      '1 finding: 1 CRITICAL',
      '',
    ]);
  });

  test('stay one command for each open finding, whatever the names are', () => {
    const command = /^::error file=[^:,]+,line=7,title=[^:,]+::[^\r\n]+$/;
    fc.assert(
      fc.property(hostile, (name) => {
        const lines = renderGithubAnnotations(namedBy((at) => `${name}${at}`)).split('\n');
        expect(lines).toHaveLength(3);
        expect(lines[0]).toMatch(command);
        expect(lines[0]?.replaceAll(/%(?:25|3A|2C|0A)/g, '')).not.toContain('%');
      }),
    );
  });

  test('give each severity its command', () => {
    const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'] as const;
    const findings = severities.map((severity) => finding({ severity }));
    const commands = renderGithubAnnotations({ ...EMPTY, findings }).matchAll(/^::(\w+) /gm);
    expect([...commands].map(([, command]) => command)).toEqual([
      'error',
      'error',
      'warning',
      'notice',
      'notice',
    ]);
  });
});

describe('the comment', () => {
  test('reads as it did', async () => {
    await expect(renderFindingsMarkdown(REPORT)).toMatchFileSnapshot('testing/golden/report.md');
  });

  test('has the same form whatever the names are', () => {
    const form = skeletonOf(renderFindingsMarkdown(harmless)).filter((line) => !/^(?:text|code)$/.test(line));
    fc.assert(
      fc.property(hostile, (name) => {
        const text = renderFindingsMarkdown(namedBy((at) => `${name}${at}`));
        expect(skeletonOf(text).filter((line) => !/^(?:text|code)$/.test(line))).toEqual(form);
      }),
    );
  });

  test('fits, keeps its rows longest, and says what it leaves out', () => {
    const findings = Array.from({ length: 200 }, (_, at) => finding({ key: String(at) }));
    const text = renderFindingsMarkdown({ ...EMPTY, findings }, 20_000);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_000);
    expect(text).toContain('> **Shortened to fit.**');
    expect(text).toMatch(/Left out here: \d+ details\./);
    expect(text.match(/^\| CRITICAL/gm)).toHaveLength(200);
    expect(text).toContain('**200 findings: 200 CRITICAL**');
  });

  test('says that there is nothing', () => {
    expect(renderFindingsMarkdown(EMPTY)).toBe('## RBAC findings\n\n**no findings**\n');
  });
});
