import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Cell, describeCell } from '@leastwise/rbac';
import { type ControlPlane, startControlPlane } from '@leastwise/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { leastwise } from '../integration/support/leastwise.ts';
import { broadRbac, staticUsers } from './loop/actors.ts';
import { applyRbac } from './loop/apply.ts';
import { isRefused, type LoggedRequest, neededCells, type NeededCell, readAuditLog } from './loop/audit.ts';
import { compareRequests, pairUp, type Row } from './loop/compare.ts';
import { type Drive, drive } from './loop/drive.ts';
import { unneededCells } from './loop/minimality.ts';
import { readRendered, type Rendered, renderedCells } from './loop/rendered.ts';
import { makeWorld } from './loop/world.ts';
import { kubernetesBinaries, KUBERNETES_VERSION } from './support/binaries.ts';

const binaries = await kubernetesBinaries();

/** What was needed by requests that were allowed, each cell once, by username. */
function neededBy(requests: readonly LoggedRequest[]): Map<string, NeededCell[]> {
  const needed = new Map<string, Map<string, NeededCell>>();
  for (const each of requests.flatMap(neededWhereAllowed)) {
    const cells = needed.get(each.username) ?? new Map<string, NeededCell>();
    needed.set(each.username, cells.set(describeCell(each.cell), each));
  }
  return new Map([...needed].map(([username, cells]) => [username, [...cells.values()]]));
}

/** Whoever may act as somebody else needs that, even where the other one may do nothing. */
function neededWhereAllowed(request: LoggedRequest): NeededCell[] {
  const cells = neededCells(request);
  return isForbidden(request) ? cells.filter(({ cell }) => cell.verb === 'impersonate') : cells;
}

/** Whether the authorizer itself said no; admission may say no to what it has allowed. */
function isForbidden({ last }: LoggedRequest): boolean {
  return last.annotations?.['authorization.k8s.io/decision'] !== 'allow';
}

describe.skipIf(!binaries)('record, generate, replay', () => {
  let dir = '';
  let recorded: LoggedRequest[] = [];
  let drives: Drive | undefined;

  async function start(name: string): Promise<ControlPlane> {
    await mkdir(join(dir, name));
    const apiServer = binaries?.apiServer ?? '';
    const plane = await startControlPlane({ dir: join(dir, name), apiServer, users: staticUsers() });
    await makeWorld(plane);
    return plane;
  }

  async function generate(preset: string): Promise<Rendered> {
    const [major, minor] = KUBERNETES_VERSION.split('.');
    const version = ['--kubernetes-version', `${major ?? ''}.${minor ?? ''}`];
    const log = ['-f', join(dir, 'recording', 'audit.log')];
    const flags = ['--preset', preset, '--special-verbs', 'Grant', ...version];
    const outcome = await leastwise(['generate', '--all', ...flags, ...log]);
    expect(outcome.code, outcome.stderr).toBe(0);
    await writeFile(join(dir, `${preset}.yaml`), outcome.stdout);
    return readRendered(outcome.stdout);
  }

  async function replay(name: string, rendered: Rendered) {
    await using plane = await start(name);
    await applyRbac(plane, rendered.objects);
    const again = await drive(plane, binaries?.kubectl ?? '');
    const { pairs, missing } = pairUp(recorded, await readAuditLog(plane.auditLog));
    return { again, missing, rows: compareRequests(pairs, rendered) };
  }

  function printTable(
    title: string,
    rows: ReadonlyMap<string, Row>,
    granted: ReadonlyMap<string, readonly Cell[]>,
  ): void {
    const needed = neededBy(recorded);
    const line = (username: string, row: Row) => ({
      subject: username,
      recorded: row.recorded,
      refused: row.refused.length,
      'refused, as the policy says': row.named.length,
      'wrongly granted': row.wronglyGranted.length,
      'permissions granted': granted.get(username)?.length ?? 0,
      'permissions needed': needed.get(username)?.length ?? 0,
    });
    console.log(title);
    console.table([...rows].map(([username, row]) => line(username, row)));
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'leastwise-loop-'));
    await using plane = await start('recording');
    await applyRbac(plane, broadRbac());
    drives = await drive(plane, binaries?.kubectl ?? '');
    recorded = await readAuditLog(plane.auditLog);
  });

  afterAll(async () => {
    if (process.env['LEASTWISE_TEST_KEEP'] === undefined) await rm(dir, { recursive: true, force: true });
    else console.log(`kept: ${dir}`);
  });

  test('what was allowed is allowed again, what was refused is refused again', async () => {
    const rendered = await generate('exact');
    const { again, missing, rows } = await replay('replay', rendered);
    printTable('preset exact', rows, renderedCells(rendered.objects));
    const all = [...rows.values()];
    expect(missing, 'requests that the replay never made').toEqual([]);
    expect(
      all.flatMap(({ refused }) => refused),
      'refused',
    ).toEqual([]);
    expect(
      all.flatMap(({ wronglyGranted }) => wronglyGranted),
      'wrongly granted',
    ).toEqual([]);
    // Real clients end as they did.
    const ends = (each: Drive | undefined) => each?.clients.map(({ what, ok }) => `${what}: ${String(ok)}`);
    expect(ends(again)).toEqual(ends(drives));
    // What the log cannot foresee the policy foretells: these, and no more.
    const named = all.flatMap((row) => row.named).map((each) => each.replace(/ \(.*/, ''));
    expect(named).toEqual([
      // The namespace does not exist, or exists no more.
      'alice@example.com: create /api/v1/namespaces/no-such/configmaps',
      'carol@example.com: delete /api/v1/namespaces/doomed',
      // OPTIONS: an empty verb, which no rule but `*` allows.
      'raw@example.com:  /api/v1/namespaces/dev/pods',
      // escalate, bind, approve, and get on the parameters.
      'eve@example.com: create /apis/rbac.authorization.k8s.io/v1/namespaces/dev/roles',
      'eve@example.com: create /apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings',
      'eve@example.com: patch /apis/certificates.k8s.io/v1/certificatesigningrequests/loop/approval',
      'eve@example.com: create /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    ]);
  });

  test('no cell can be taken away', async () => {
    const rendered = await generate('exact');
    const granted = renderedCells(rendered.objects);
    await using plane = await start('minimality');
    const { asked, unneeded } = await unneededCells(plane, granted, neededBy(recorded));
    const cells = [...granted.values()].reduce((sum, each) => sum + each.length, 0);
    console.log(`${String(cells)} cells taken away one at a time, ${String(asked)} reviews asked`);
    expect(cells).toBeGreaterThan(100);
    expect(unneeded.map(({ username, cell }) => `${username}: ${describeCell(cell)}`)).toEqual([]);
  });

  test("what audit2rbac's defaults cost, for comparison", async () => {
    const rendered = await generate('audit2rbac');
    const { rows } = await replay('audit2rbac', rendered);
    printTable('preset audit2rbac', rows, renderedCells(rendered.objects));
    expect(recorded.some(isRefused)).toBe(true);
  });
});
