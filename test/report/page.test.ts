// The page of `leastwise report kubectl -o html` in a real Chromium: its policy, keyboard, headings, labels, contrast.
import { fileURLToPath, pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ownFolder, written } from '../integration/support/folders.ts';
import { leastwise } from '../integration/support/leastwise.ts';
import { CHROMIUM, Page } from './chromium.ts';

const RECORDING = fileURLToPath(new URL('../../examples/audit.log.gz', import.meta.url));
const folder = ownFolder();

/** The contrast of every text with what is behind it, by WCAG 2.2; the worst of each kind below 4.5. */
const CONTRAST = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const bad = new Set();
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === '' || element.closest('script, style, .skip, svg') || !element.checkVisibility()) continue;
    seen += 1;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) bad.add(element.tagName + '.' + element.className + ' ' + contrast.toFixed(2));
  }
  return { seen, bad: [...bad] };
})()`;

describe.skipIf(CHROMIUM === undefined)('the page of a report, in Chromium', () => {
  let page: Page;

  beforeAll(async () => {
    const path = await written(folder('report.html'), '');
    const args = ['report', 'kubectl', '-f', RECORDING, '-o', 'html', '--out', path];
    expect((await leastwise(args)).code).toBe(0);
    page = await Page.open(CHROMIUM ?? '');
    await page.load(pathToFileURL(path).href);
  });
  afterAll(async () => {
    await page.close();
  });

  function cells(column: number): Promise<string[]> {
    const rows = '[...document.querySelectorAll("#people-table tbody tr")]';
    return page.evaluate(
      `${rows}.filter((row) => !row.hidden).map((row) => row.cells[${column}].textContent)`,
    );
  }

  test('breaks no rule of its policy and complains about nothing', () => {
    expect(page.complaints).toEqual([]);
  });

  test('loads nothing', async () => {
    expect(await page.evaluate('performance.getEntriesByType("resource").length')).toBe(0);
  });

  test('sorts tables by keyboard alone', async () => {
    await page.evaluate('document.querySelector("#people-table-filter").focus()');
    const focused = 'document.activeElement.tagName + " " + document.activeElement.textContent';
    const way: string[] = [];
    for (let step = 0; step < 6 && !way.includes('BUTTON Commands'); step += 1) {
      await page.press('Tab');
      way.push(await page.evaluate<string>(focused));
    }
    expect(way.at(-1)).toBe('BUTTON Commands');
    const sorted = (names: string[]) =>
      names
        .map(Number)
        .sort((a, b) => a - b)
        .map(String);
    await page.press('Enter', '\r');
    const ascending = await cells(2);
    expect(ascending).toEqual(sorted(ascending));
    expect(await page.evaluate('document.activeElement.closest("th").getAttribute("aria-sort")')).toBe(
      'ascending',
    );
    await page.press('Enter', '\r');
    expect(await cells(2)).toEqual(ascending.toReversed());
    expect(await page.evaluate('document.querySelectorAll("#people-table [aria-sort]").length')).toBe(1);
  });

  test('filters rows by words, and says how many are left', async () => {
    await page.evaluate('document.querySelector("#people-table-filter").focus()');
    for (const letter of 'INTRU') await page.press(letter, letter);
    expect(await cells(0)).toEqual(['intruder']);
    expect(await page.evaluate('document.querySelector("#people-table-status").textContent')).toBe(
      '1 of 6 rows',
    );
  });

  test('opens what was done when somebody is chosen', async () => {
    const isOpen = 'document.querySelector("#actor-1").open';
    expect(await page.evaluate(isOpen)).toBe(false);
    await page.evaluate('document.querySelector("a[href=\\"#actor-1\\"]").click()');
    expect(await page.evaluate(isOpen)).toBe(true);
  });

  test('has one first heading and leaves no level of headings out', async () => {
    const levels = await page.evaluate<number[]>(
      '[...document.querySelectorAll("h1,h2,h3,h4")].map((h) => Number(h.tagName[1]))',
    );
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const [index, level] of levels.entries())
      expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
  });

  test('gives everything a name that needs one, and no id twice', async () => {
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    expect(
      await page.evaluate(
        '[...document.querySelectorAll("input")].filter((input) => input.labels.length === 0).length',
      ),
    ).toBe(0);
    const unnamed =
      '[...document.querySelectorAll("button, a, [role=region], nav, table")].filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim())).length';
    expect(await page.evaluate(unnamed)).toBe(0);
    const ids = await page.evaluate<string[]>('[...document.querySelectorAll("[id]")].map(({ id }) => id)');
    expect(new Set(ids).size).toBe(ids.length);
    expect(
      await page.evaluate(
        '[...document.querySelectorAll("a[href^=\\"#\\"]")].filter((a) => !document.querySelector(a.getAttribute("href"))).length',
      ),
    ).toBe(0);
  });

  test.each(['light', 'dark'])('has texts that can be read when it is %s', async (value) => {
    await page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })');
    await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
    expect(await page.evaluate('matchMedia("(prefers-color-scheme: dark)").matches')).toBe(value === 'dark');
    const { seen, bad } = await page.evaluate<{ seen: number; bad: string[] }>(CONTRAST);
    expect(bad).toEqual([]);
    expect(seen).toBeGreaterThan(500);
  });

  test('is as wide as a narrow screen', async () => {
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 420,
      height: 900,
      deviceScaleFactor: 1,
      mobile: true,
    });
    const [inner, outer] = await page.evaluate<number[]>(
      '[document.documentElement.scrollWidth, innerWidth]',
    );
    expect([inner, outer]).toEqual([420, 420]);
  });

  test('runs no script that was not there: these tests would see a violation', async () => {
    const complaints = page.complaints.length;
    const inject =
      'const s = document.createElement("script"); s.textContent = "window.injected = 1"; document.body.append(s);';
    await page.evaluate(`(() => { ${inject} })()`);
    expect(await page.evaluate('window.injected === undefined')).toBe(true);
    expect(page.complaints.slice(complaints).join()).toContain('Content Security Policy');
  });
});
