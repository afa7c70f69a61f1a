import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { catalogue } from './audit.ts';
import { renderCataloguePage } from './catalogue-page.ts';
import { FINDING_SEVERITIES } from './types.ts';

const PAGE = new URL('../../../docs/checks.md', import.meta.url);

test('docs/checks.md says what the catalogue says', async () => {
  await expect(renderCataloguePage()).toMatchFileSnapshot(PAGE.pathname);
  expect(readFileSync(PAGE, 'utf8')).toContain('### R001: ');
});

describe.each(catalogue())('$id', (info) => {
  test('says why it matters and what to do, in sentences', () => {
    expect(info.id).toMatch(/^R\d{3}$/);
    expect(info.title).toMatch(/^[A-Z].*[^.]$/);
    expect(info.why).toMatch(/^[`A-Za-z].*\.$/);
    expect(info.remedy).toMatch(/^[A-Z].*\.$/);
    expect(FINDING_SEVERITIES).toContain(info.severity);
  });
});
