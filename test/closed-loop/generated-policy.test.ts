// An audit policy that `leastwise audit-policy generate` wrote shows enough for the policies of subjects.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type ControlPlane, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { flagsOfGuide } from '../docs/audit-log-guide.ts';
import { leastwise } from '../integration/support/leastwise.ts';
import { broadRbac, staticUsers } from './loop/actors.ts';
import { applyRbac } from './loop/apply.ts';
import { type LoggedRequest, readAuditLog } from './loop/audit.ts';
import { compareRequests, pairUp, type Row } from './loop/compare.ts';
import { type Drive, drive, driveSteps } from './loop/drive.ts';
import { readRendered, type RbacManifest, type Rendered } from './loop/rendered.ts';
import { makeWorld } from './loop/world.ts';
import { kubernetesBinaries, KUBERNETES_VERSION } from './support/binaries.ts';

const binaries = await kubernetesBinaries();
// Each preset needs a server of its own, which waits as much as it works.
vi.setConfig({ maxConcurrency: 2 });

/** What one run of the workload left. */
interface Run {
  readonly drive: Drive;
  readonly auditLog: string;
  readonly requests: readonly LoggedRequest[];
}

interface RunOptions {
  readonly name: string;
  /** Everything at Metadata by default, which tells what the authorizer was asked. */
  readonly auditPolicy?: string;
  readonly rights: readonly RbacManifest[];
  readonly work: (plane: ControlPlane) => Promise<Drive>;
}

/** Who asked for what, as a step of the workload. */
const asked = ({ step }: Drive['steps'][number]): string => `${step.who}: ${step.method} ${step.path}`;

/** What was done with broad rights and not with those that were generated, whether a log has it or not. */
function lost(before: Drive, after: Drive): Drive['steps'] {
  return before.steps.filter(({ status }, i) => status < 400 && (after.steps[i]?.status ?? 0) >= 400);
}

/** What the replay lacks, request by request; that log has the stage at which nothing of the body is known. */
function rowsOf(recorded: Run, replayed: Run, rendered: Rendered): readonly Row[] {
  const { pairs, missing } = pairUp(recorded.requests, replayed.requests);
  expect(missing, 'requests that the replay never made').toEqual([]);
  const whole = pairs.map(([{ last }, twin]) => [{ first: twin.first, last }, twin] as const);
  return [...compareRequests(whole, rendered).values()];
}

describe.skipIf(!binaries)('an API server with a generated audit policy', { concurrent: true }, () => {
  let dir = '';

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-generated-policy-'));
  });

  afterAll(async () => {
    if (process.env['LEASTWISE_TEST_KEEP'] === undefined) await rm(dir, { recursive: true, force: true });
    else console.log(`kept: ${dir}`);
  });

  async function run({ name, auditPolicy, rights, work }: RunOptions): Promise<Run> {
    const own = join(dir, name);
    await mkdir(own);
    const options = { dir: own, apiServer: binaries?.apiServer ?? '', users: staticUsers() };
    await using plane = await startControlPlane(
      auditPolicy === undefined ? options : { ...options, auditPolicy },
    );
    await makeWorld(plane);
    await applyRbac(plane, rights);
    const done = await work(plane);
    // The end of a watch is written when the API server has noticed it.
    await plane.stop();
    return { drive: done, auditLog: plane.auditLog, requests: await readAuditLog(plane.auditLog) };
  }

  async function rightsFrom({ auditLog }: Run): Promise<Rendered> {
    const version = KUBERNETES_VERSION.split('.').slice(0, 2).join('.');
    const flags = ['--preset', 'exact', '--special-verbs', 'Grant', '--kubernetes-version', version];
    const { code, stdout, stderr } = await leastwise(['generate', '--all', ...flags, '-f', auditLog]);
    expect(code, stderr).toBe(0);
    return readRendered(stdout);
  }

  test.each([
    { preset: 'default', hidden: [], work: (plane: ControlPlane) => drive(plane, binaries?.kubectl ?? '') },
    { preset: 'forensics', hidden: [], work: driveSteps },
    // What these leave out they say at their head: probes, and Event objects.
    { preset: 'minimal', hidden: ['raw: GET /healthz/ping?verbose'], work: driveSteps },
    {
      preset: 'gke',
      hidden: ['builder: POST /api/v1/namespaces/dev/events', 'raw: GET /healthz/ping?verbose'],
      work: driveSteps,
    },
  ])('preset $preset: nothing that it shows is refused on replay', async ({ preset, hidden, work }) => {
    const policy = await leastwise(['audit-policy', 'generate', '--preset', preset]);
    expect(policy.code, policy.stderr).toBe(0);
    const recording = { name: `record-${preset}`, auditPolicy: policy.stdout, rights: broadRbac(), work };
    const recorded = await run(recording);
    const rendered = await rightsFrom(recorded);
    const replayed = await run({ name: `replay-${preset}`, rights: rendered.objects, work });

    const rows = rowsOf(recorded, replayed, rendered);
    expect(rows.flatMap(({ refused }) => refused)).toEqual([]);
    expect(rows.flatMap(({ wronglyGranted }) => wronglyGranted)).toEqual([]);
    // By the answers that were seen, which no policy hides: what else was lost, the log did not show.
    const logged = new Set(recorded.requests.map(({ last }) => last.auditID));
    const unseen = lost(recorded.drive, replayed.drive).filter(({ auditID }) => !logged.has(auditID));
    expect(unseen.map(asked).sort()).toEqual(hidden);
    const ends = (each: Drive) => each.clients.map(({ what, ok }) => `${what}: ${String(ok)}`);
    expect(ends(replayed.drive)).toEqual(ends(recorded.drive));
    expect(rows.reduce((sum, each) => sum + each.recorded, 0)).toBeGreaterThan(150);
    // Those that no log can foresee, whatever its policy.
    expect(rows.flatMap(({ named }) => named)).toHaveLength(7);
  });

  test('every flag that the guide to audit logs names is one of the API server', async () => {
    const { stdout } = await promisify(execFile)(binaries?.apiServer ?? '', ['--help']);
    const known = [...stdout.matchAll(/^ +--([a-z0-9-]+)/gm)].map(([, name]) => name);
    expect(known).toEqual(expect.arrayContaining(flagsOfGuide()));
  });
});
