// The documents as a site: nothing is left out, reference pages are those of the schemas, and it builds without a dead link.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { ownFolder } from './support/folders.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCS = join(ROOT, 'docs');
const folder = ownFolder();

interface Navigation {
  readonly NAVIGATION: readonly {
    readonly text: string;
    readonly pages: readonly (readonly [string, string])[];
  }[];
}
interface Reference {
  readonly REFERENCES: Readonly<Record<string, unknown>>;
  referencePage(name: string): Promise<string>;
}
interface Markdown {
  siteLink(href: string, page: string, source: string): string;
}

/** A module of the site, which no compiler sees. */
async function siteModule<T>(name: string): Promise<T> {
  return (await import(join(DOCS, '.vitepress', name))) as T;
}

/** Every page but the first one and single decisions, which their own index lists. */
function pages(): string[] {
  return readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('.vitepress') && path !== 'index.md')
    .map((path) => path.slice(0, -'.md'.length))
    .filter((path) => !/^adr\/\d/.test(path))
    .sort();
}

describe('the site', () => {
  test('has every page in its navigation, once', async () => {
    const { NAVIGATION } = await siteModule<Navigation>('navigation.mjs');
    const listed = NAVIGATION.flatMap(({ pages: each }) => each.map(([path]) => path));
    expect(new Set(listed).size).toBe(listed.length);
    expect(pages().filter((path) => !listed.includes(path))).toEqual([]);
    // What is listed and not there is left out of the site: it may be a page that another version has.
    expect(listed.filter((path) => !existsSync(join(DOCS, `${path}.md`))).length).toBeLessThan(3);
  });

  test('has reference pages as the schemas are: node docs/.vitepress/reference.mjs writes them', async () => {
    const { REFERENCES, referencePage } = await siteModule<Reference>('reference.mjs');
    const schemas = readdirSync(join(ROOT, 'deploy/schema')).map((name) => name.replace('.schema.json', ''));
    expect(Object.keys(REFERENCES).sort()).toEqual(schemas.sort());
    for (const name of schemas) {
      const page = await referencePage(name);
      expect(readFileSync(join(DOCS, 'reference', `${name}.md`), 'utf8')).toBe(page);
    }
  });

  test('has every key of a schema on its page', async () => {
    const { referencePage } = await siteModule<Reference>('reference.mjs');
    const keys = (await referencePage('publisher'))
      .split('\n')
      .flatMap((line) => /^\| `([^`]+)`/.exec(line)?.[1] ?? []);
    expect(keys).toEqual(
      expect.arrayContaining(['redis.tls.caFile', 'policyReports.clusters.<name>.context', 'every']),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each([
    ['knobs.md', 'stream.md', 'knobs.md'],
    ['../knobs.md#x', 'commands/run.md', '../knobs.md#x'],
    ['../deploy/crds', 'auditor.md', 'https://forge.example/blob/main/deploy/crds'],
    ['../../SECURITY.md#a', 'adr/0001-x.md', 'https://forge.example/blob/main/SECURITY.md#a'],
    ['https://kubernetes.io/', 'stream.md', 'https://kubernetes.io/'],
    ['#here', 'stream.md', '#here'],
    ['/stream', 'index.md', '/stream'],
  ])('its link %s of %s leads to %s', async (href, page, expected) => {
    const { siteLink } = await siteModule<Markdown>('markdown.mjs');
    expect(siteLink(href, page, 'https://forge.example/blob/main/')).toBe(expected);
  });

  const vitepress = (() => {
    try {
      return createRequire(import.meta.url).resolve('vitepress/package.json');
    } catch {
      return undefined;
    }
  })();
  test.skipIf(vitepress === undefined)(
    'builds, with no link that leads nowhere',
    { timeout: 300_000 },
    async () => {
      const out = folder('site');
      const bin = join(vitepress ?? '', '../bin/vitepress.js');
      await promisify(execFile)(process.execPath, [bin, 'build', 'docs', '--outDir', out], { cwd: ROOT });
      const built = readdirSync(out, { recursive: true, encoding: 'utf8' });
      for (const page of pages()) expect(built).toContain(`${page.replace(/README$/, 'index')}.html`);
      const auditor = readFileSync(join(out, 'auditor.html'), 'utf8');
      expect(auditor.includes('/blob/main/deploy/prometheus/auditor.rules.yaml')).toBe(true);
    },
  );
});
