// The life of a GitOps repository on a real forge, from the state of a recorded cluster.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { type ResolvedGitea, resolveGitea, userActor } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { leastwise, type Outcome } from '../integration/support/leastwise.ts';
import { ask, linesOf } from '../integration/support/log.ts';
import { type Repository, type ShownPull, Site } from './support/site.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** The whole recording where it is at hand, else the part of it that the project carries. */
const RECORDED = here('../../../shared/data/cluster-alpha.audit.log.gz');
const LOG = existsSync(RECORDED) ? RECORDED : here('../../examples/audit.log.gz');

/** When the recording ends, in microseconds: what comes later is news. */
const END_US = Math.max(
  ...[
    ...gunzipSync(readFileSync(LOG))
      .toString('utf8')
      .matchAll(/"requestReceivedTimestamp":"([^"]*)"/g),
  ].map(([, time = '']) => Date.parse(time) * 1000),
);

const gitea: ResolvedGitea | undefined = await resolveGitea();

describe.skipIf(gitea === undefined)('a repository on a real Gitea', () => {
  let folder: string;
  let site: Site;
  let repository: Repository;

  beforeAll(async () => {
    if (gitea === undefined) return;
    folder = await mkdtemp(join(tmpdir(), 'leastwise-story-'));
    site = new Site(gitea);
    await writeFile(join(folder, 'token'), `${await site.open()}\n`, { mode: 0o600 });
    repository = await site.repository('policies');
    await observe('-f', LOG);
  }, 300_000);

  afterAll(async () => {
    if (gitea === undefined) return;
    await site.close('policies');
    await gitea[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function observe(...log: string[]): Promise<void> {
    const place = ['--out', join(folder, 'out'), '--state', join(folder, 'state')];
    const { code, stderr } = await leastwise(['run', '--cluster', 'alpha', ...log, ...place]);
    expect(code, stderr).toBe(0);
  }

  /** More of what one person does. */
  async function observeMore(name: string, ...requests: string[]): Promise<void> {
    const file = join(folder, `${name}.log`);
    await writeFile(
      file,
      linesOf(
        requests.map((text, i) =>
          ask(userActor(name), text, { receivedAtUs: END_US + i, auditID: `${name}-${i}` }),
        ),
      ).join('\n'),
    );
    await observe('-f', file);
  }

  async function publish(...more: string[]): Promise<Outcome> {
    const place = ['--state', join(folder, 'state'), '--repository', repository.url];
    const forge = [
      '--forge',
      'gitea',
      '--forge-url',
      `${gitea?.url ?? ''}/api/v1`,
      '--token-file',
      join(folder, 'token'),
    ];
    const outcome = await leastwise(['publish', ...place, ...forge, ...more]);
    expect(outcome.code, outcome.stderr + outcome.stdout).toBe(0);
    return outcome;
  }

  const seen = (pulls: readonly ShownPull[]): unknown[] =>
    pulls.map(({ number, state, title, body, head, updated_at }) => [
      number,
      state,
      title,
      body,
      head,
      updated_at,
    ]);
  const groupOf = ({ head }: ShownPull): string => head.ref.replace(/^leastwise\/alpha\./, '');

  test('a plan says what would be done, and does nothing', async () => {
    const { stdout } = await publish('--plan');
    expect(stdout).toContain('leastwise/alpha.cluster.additions');
    expect(await repository.pulls()).toEqual([]);
    expect([...(await repository.branches()).keys()]).toEqual(['main']);
  }, 120_000);

  test('the first run opens one pull request for each owner, additions only', async () => {
    await publish();
    const open = await repository.open();
    expect(open.length).toBeGreaterThan(2);
    expect(open.length).toBeLessThanOrEqual(10);
    const groups = open.map(groupOf);
    expect(new Set(groups).size).toBe(groups.length);
    expect(groups).toContain('cluster.additions');
    // Nothing was approved before, so there is nothing to remove.
    expect(groups.filter((group) => group.endsWith('.removals'))).toEqual([]);
    for (const { labels, body } of open) {
      expect(labels.map(({ name }) => name)).toContain('leastwise');
      expect(body).toContain('alpha');
    }
  }, 240_000);

  test('a second run does nothing', async () => {
    const before = [seen(await repository.pulls()), await repository.branches()];
    await publish();
    expect([seen(await repository.pulls()), await repository.branches()]).toEqual(before);
  }, 240_000);

  test('with all of them merged the base holds what `run` writes, and nothing is left to propose', async () => {
    for (let round = 1; (await repository.open()).length > 0; round += 1) {
      expect(round, 'merging comes to an end').toBeLessThan(40);
      const [first] = await repository.open();
      if (first) await repository.merge(first.number);
      await publish();
    }
    const merged = (await repository.paths('main')).filter((path) => path.endsWith('/rbac.yaml'));
    const written = await filesBelow(join(folder, 'out'), 'clusters');
    expect(merged.length).toBeGreaterThan(2);
    for (const path of merged) expect(await repository.text('main', path), path).toBe(written.get(path));
    // What `run` writes besides is of subjects that the publisher leaves out: parts of Kubernetes itself.
    for (const path of written.keys()) {
      if (path.endsWith('/rbac.yaml') && !merged.includes(path))
        expect(path).toMatch(/user-system%3a|serviceaccount-kube-system\./);
    }
  }, 1_800_000);

  test('more evidence gives one pull request with the difference alone', async () => {
    await observeMore('dora', 'get pods web p1', 'get pods web p1');
    await publish();
    const open = (await repository.open()).filter((pull) => !groupOf(pull).endsWith('.reports'));
    expect(open.map(groupOf)).toEqual(['namespace-web.additions']);
    const [pull] = open;
    expect(pull?.body).toContain('+1 grant');
    expect(pull?.body).toContain('dora');
    const added = (await repository.paths(pull?.head.ref ?? '')).filter((path) => path.includes('user-dora'));
    expect(added).toEqual([
      'clusters/alpha/namespaces/web/user-dora/kustomization.yaml',
      'clusters/alpha/namespaces/web/user-dora/rbac.yaml',
    ]);
  }, 240_000);

  test("a person's commit on a branch is never pushed over", async () => {
    const branch = 'leastwise/alpha.namespace-web.additions';
    await repository.push(branch, 'notes.txt', 'mine');
    const tip = (await repository.branches()).get(branch);
    await observeMore('emil', 'list secrets web');
    await publish();
    expect((await repository.branches()).get(branch)).toBe(tip);
    const comments = (await repository.open()).find(({ head }) => head.ref === branch);
    expect(comments?.state).toBe('open');
  }, 240_000);

  test('what a person closed stays closed while the evidence is the same', async () => {
    await observeMore('finn', 'get configmaps pay c1');
    await publish();
    const isPay = (pull: ShownPull): boolean => groupOf(pull) === 'namespace-pay.additions';
    const pull = (await repository.open()).find(isPay);
    await repository.close(pull?.number ?? 0);
    await publish();
    await publish();
    expect((await repository.open()).filter(isPay)).toEqual([]);
    await observeMore('gerd', 'get configmaps pay c2');
    await publish();
    expect((await repository.open()).filter(isPay)).toHaveLength(1);
  }, 360_000);
});

/** The texts of the files below a part of a folder, by their paths in it. */
async function filesBelow(root: string, part: string): Promise<Map<string, string>> {
  const entries = await readdir(join(root, part), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [relative(root, file), await readFile(file, 'utf8')] as const),
    ),
  );
}
