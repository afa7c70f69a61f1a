import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { InvariantError } from '../invariant-error.ts';
import {
  activityCharts,
  FILE_COLORS,
  PAGE_COLORS,
  renderActivityCsv,
  renderActivityHtml,
  renderActivityJson,
  renderActivityMarkdown,
} from './index.ts';
import { commandRow, person, report, reportOfText, unusualRow } from './testing/report.ts';

/** What people put into names to become something else, and anything. */
const hostile = fc.oneof(
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</style><script>alert(1)</script>',
    '```\n# heading\n<!-- -->',
    '| a | b |\n|---|---|',
    '`code` **bold** [link](https://evil.example) @everyone #1 :tada: $x$',
    '</details></section>',
    '\u202egnp.exe',
    '=HYPERLINK("https://evil.example")',
    '"; DROP',
    '&lt;b&gt;',
    '__proto__',
    '"]\n  bar [9, 9]',
    '%%{init: {}}%%',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
);

/** What a page is made of, less its texts: tags with their attributes. */
function skeletonOf(html: string): string {
  return html.replace(/>[^<]*</g, '><').replace(/ (?:title|aria-label)="[^"]*"/g, '');
}

describe('a page', () => {
  test('allows its own style sheet and script by their hashes, and nothing else', () => {
    const html = renderActivityHtml(report());
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    const hashOf = (content = ''): string =>
      `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
    const [, style] = /<style>([^]*?)<\/style>/.exec(html) ?? [];
    const [, script] = /<script>([^]*?)<\/script>/.exec(html) ?? [];
    expect(policy).toBe(
      `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`,
    );
    expect(html.match(/<(?:script|style)\b/g)).toHaveLength(2);
    expect(html).not.toMatch(/\s(?:style|on\w+)=|(?:src|href)="(?!#)|url\(|@import/);
  });

  test('is made of the same elements, whatever the texts of the log are', () => {
    const plain = skeletonOf(renderActivityHtml(reportOfText('x')));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(skeletonOf(renderActivityHtml(reportOfText(text))) === plain).toBe(true);
      }),
    );
  });

  test('shows what is invisible by its number', () => {
    expect(renderActivityHtml(report({ cluster: 'a\u202eb\0' }))).toContain(
      '<strong>a\\u{202e}b\\u{0}</strong>',
    );
  });

  test.each([
    '<svg><script>1</script></svg>',
    '<svg onload="x"></svg>',
    '<svg><a href="x"></a></svg>',
    '<svg><rect style="x"/></svg>',
    '<svg><image/></svg>',
    '<svg><foreignObject/></svg>',
    '<svg><rect fill="url(https://x)"/></svg>',
    '<svg><rect fill="x" onclick = "y"/></svg>',
    '<svg><rect fill=url(https://x)/></svg>',
    '<svg><!-- --></svg>',
    '<div></div>',
  ])('takes no drawing that could do something: %s', (svg) => {
    expect(() => renderActivityHtml(report(), new Map([['verbs', svg]]))).toThrow(InvariantError);
  });

  test('takes drawings of shapes and texts', () => {
    const svg =
      '<svg><g aria-label="x onload=1 href=2"><rect fill="var(--read)"/><text> onclick="x" style="y" &lt;b></text></g></svg>';
    expect(renderActivityHtml(report(), new Map([['verbs', svg]]))).toContain(svg);
  });

  test('is there when nothing was observed', () => {
    const empty = report({ period: undefined, heat: [], people: [], changes: [], unusual: [] });
    const html = renderActivityHtml(empty);
    for (const text of ['nothing observed', 'Nobody used kubectl.', 'Nothing stands out.'])
      expect(html).toContain(text);
    expect(renderActivityMarkdown(empty)).toContain('Nobody used kubectl.');
  });
});

describe('what is unusual, on a page', () => {
  const rows = (['low', 'high', 'critical'] as const).map((severity) => unusualRow({ severity }));

  test('is counted by severity, the gravest first, and what is low is folded away', () => {
    const html = renderActivityHtml(report({ unusual: rows }));
    expect(html).toContain(
      '<span class="badge critical">1 critical</span> <span class="badge high">1 high</span> <span class="badge low">1 low</span>',
    );
    expect(html).toMatch(
      /<li class="high">[^]*<details class="low"><summary>1 finding of low severity<\/summary>\n<ul class="unusual">\n<li class="low">/,
    );
  });

  test('is not folded where all of it is low', () => {
    const html = renderActivityHtml(report({ unusual: rows.slice(0, 1) }));
    expect(html).toContain('<li class="low">');
    expect(html).not.toContain('<details class="low">');
  });

  test.each([
    ['2026-11-16 09:00:00 to 09:05:00 UTC', 300_000_000],
    ['2026-11-16 09:00:00 to 2026-11-17 09:00:00 UTC', 86_400_000_000],
    ['2026-11-16 09:00:00 UTC', 1],
    ['2026-11-16 09:00:00 UTC', undefined],
  ])('has its window: %s', (text, lengthUs) => {
    const { atUs } = unusualRow();
    const row = unusualRow({ untilUs: lengthUs === undefined ? undefined : atUs + lengthUs });
    expect(renderActivityHtml(report({ unusual: [row] }))).toContain(`<span class="when">${text}</span>`);
    expect(renderActivityMarkdown(report({ unusual: [row] }))).toContain(`Spike (\`D50\`), ${text}. `);
  });

  test('has the auditIDs to look for', () => {
    expect(renderActivityHtml(report())).toContain(
      '<p class="samples">auditIDs <code>id-1</code>, <code>id-2</code></p>',
    );
    expect(renderActivityHtml(report({ unusual: [unusualRow({ auditIDs: [] })] }))).not.toContain(
      'class="samples"',
    );
  });
});

describe('Markdown', () => {
  test('reads well', async () => {
    const full = report({
      people: [
        person(),
        person({
          name: 'ci',
          kind: 'serviceaccount',
          commands: {
            rows: [commandRow({ certainty: 'likely', count: 3, refused: 1, failed: 1, moreNames: 7 })],
            more: 2,
          },
        }),
      ],
      others: { requests: 1_234, refused: 5 },
    });
    await expect(renderActivityMarkdown(full)).toMatchFileSnapshot('testing/golden/activity.md');
  });

  test('shows drawn charts by their files', () => {
    const markdown = renderActivityMarkdown(report(), new Map([['hours', '16-hours.svg']]));
    expect(markdown).toContain('![Requests by day and hour](16-hours.svg)');
    expect(markdown.match(/```mermaid/g)).toHaveLength(1);
  });

  /** What is left of a line without its code spans and charts. */
  function outsideOfCode(markdown: string): string {
    return markdown.replace(/```mermaid[^]*?\n```/g, '').replace(/`[^`\n]*`/g, '');
  }

  test('has nothing of the log outside of code, so that nothing of it is Markdown, HTML or a mention', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const markdown = renderActivityMarkdown(reportOfText(text));
        const rest = outsideOfCode(markdown);
        expect(rest).not.toMatch(/<(?!!--|\/?details>|\/?summary>)|https?:|@\w|\]\(|:tada:|\$x\$/);
        expect(rest.match(/^#+ /gm)).toHaveLength(
          outsideOfCode(renderActivityMarkdown(reportOfText('x'))).match(/^#+ /gm)?.length ?? 0,
        );
        // Mermaid's labels are quoted and hold no quotes.
        for (const [, label = ''] of markdown.matchAll(/"([^"\n]*)"/g))
          if (markdown.includes(`x-axis ["${label}`)) expect(label).toMatch(/^[\w @.?-]*$/);
      }),
    );
  });

  test('tables keep their columns, whatever stands in them', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const rows = renderActivityMarkdown(reportOfText(text))
          .split('\n')
          .filter((line) => line.startsWith('| '));
        const columns = new Set(rows.map((row) => row.split('|').length));
        expect([...columns].sort()).toEqual([10, 6, 7]);
      }),
    );
  });
});

describe('CSV', () => {
  /** The fields of a line, by RFC 4180. */
  function fieldsOf(line: string): string[] {
    return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) =>
      quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
    );
  }

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\uff1d1', '\t=1', '\r=1'])(
    'does not let %j be a formula',
    (text) => {
      const rows = renderActivityCsv(reportOfText(text)).split('\r\n').slice(1);
      for (const field of rows.flatMap(fieldsOf)) expect(field).not.toMatch(/^[\s=+\-@\uff1d]/);
    },
  );

  test('has one line for each row and the same fields in each', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = renderActivityCsv(reportOfText(text)).split('\r\n');
        expect(lines).toHaveLength(5);
        expect(lines.slice(0, -1).map((line) => fieldsOf(line).length)).toEqual([13, 13, 13, 13]);
      }),
    );
  });

  test('counts what a cap left out', () => {
    const csv = renderActivityCsv(report({ people: [person({ commands: { rows: [], more: 9 } })] }));
    expect(csv).toContain(',alice,(others),,9,');
    expect(renderActivityCsv(report({ moreUnusual: 7 }))).toContain(',unusual,,(others),,7,');
  });

  test('has what is unusual below the commands, with its window and auditIDs', () => {
    const [, , row = ''] = renderActivityCsv(report({ unusual: [unusualRow({ times: 4 })] })).split('\r\n');
    expect(fieldsOf(row).slice(3)).toEqual([
      'unusual',
      'alice',
      'Spike (D50): alice, delete pods: 212 in 5 min.',
      'high',
      '4',
      '',
      '',
      'id-1, id-2',
      '2026-11-16 09:00:00',
      '2026-11-16 09:05:00',
    ]);
  });
});

describe('JSON', () => {
  test('is versioned, has times in UTC, and null for what is not known', () => {
    const json: unknown = JSON.parse(renderActivityJson(report()));
    expect(json).toMatchObject({
      version: 1,
      officeHours: null,
      people: [{ name: 'alice', first: '2026-11-16T09:00:00.000Z', firstSeen: null, offHours: null }],
      changes: [{ at: '2026-11-16T09:00:00.000Z', auditID: 'id-1' }],
      unusual: [{ at: '2026-11-16T09:00:00.000Z', until: '2026-11-16T09:05:00.000Z', detection: 'D50' }],
    });
    const own = unusualRow({ detection: undefined, untilUs: undefined });
    expect(JSON.parse(renderActivityJson(report({ unusual: [own] })))).toMatchObject({
      unusual: [{ until: null, detection: null }],
    });
  });

  test('gives every text back as it is', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(JSON.parse(renderActivityJson(reportOfText(text)))).toMatchObject({
          cluster: text,
          people: [{ name: text }],
        });
      }),
    );
  });
});

describe('charts', () => {
  test('are data and marks: they load nothing and have no expressions', () => {
    for (const colors of [PAGE_COLORS, FILE_COLORS]) {
      const text = JSON.stringify([
        ...activityCharts(reportOfText('{"url":"https://x","signal":"1"}'), colors).values(),
      ]);
      expect(text.replaceAll('\\"', '')).not.toMatch(/"(?:url|signal|expr|href|transform|params)":/);
    }
  });

  test('bars have square corners, so that the same chart is the same bytes however often one is drawn', () => {
    const refused = report({ totals: { ...report().totals, refused: 1 } });
    const charts = [...activityCharts(refused, PAGE_COLORS).values()];
    expect(charts).toHaveLength(3);
    for (const { mark } of charts) expect(JSON.stringify(mark)).not.toMatch(/"bar".*cornerRadius/);
  });

  test('a chart of nothing is left out', () => {
    expect([...activityCharts(report(), PAGE_COLORS).keys()]).toEqual(['hours', 'verbs']);
    expect([...activityCharts(report({ heat: [], people: [] }), PAGE_COLORS).keys()]).toEqual([]);
  });

  test('two people whose names are cut alike stay two', () => {
    const people = ['a', 'b'].map((end) => person({ name: `${'x'.repeat(60)}${end}` }));
    const spec = JSON.stringify(activityCharts(report({ people }), PAGE_COLORS).get('verbs'));
    expect(new Set(spec.match(/"who":"[^"]*"/g)).size).toBe(2);
  });
});
