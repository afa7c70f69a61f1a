// `leastwise report kubectl`: its forms, its period, pseudonyms, and what ends it.
import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { ownFolder, written } from '../support/folders.ts';
import { leastwise, type Outcome } from '../support/leastwise.ts';
import { ALICE, ask, BOB, daysIn, linesOf, logOf, REFUSED } from '../support/log.ts';

const folder = ownFolder();

const KUBECTL = { userAgent: 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9' };
const LOG = logOf([
  ask(ALICE, 'list pods ns1', KUBECTL),
  ask(ALICE, 'delete secrets ns1 s', { ...KUBECTL, ...REFUSED }),
  ask(BOB, 'get pods ns2 p', { ...KUBECTL, ...daysIn(3) }),
  ask(BOB, 'get pods ns2 p', { userAgent: 'curl/8.5.0', ...daysIn(3) }),
]);

function report(args: readonly string[], stdin = LOG): Promise<Outcome> {
  return leastwise(['report', 'kubectl', '-f', '-', ...args], { stdin });
}

interface Json {
  readonly version: number;
  readonly cluster: string;
  readonly period: { readonly from: string; readonly to: string };
  readonly people: readonly {
    readonly name: string;
    readonly requests: number;
    readonly firstSeen: readonly unknown[] | null;
  }[];
  readonly blindSpots: readonly string[];
}

async function json(...args: string[]): Promise<Json> {
  const { code, stdout } = await report(['-o', 'json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Json;
}

describe('leastwise report kubectl', () => {
  test('prints Markdown and ends with 0', async () => {
    const { code, stdout, stderr } = await report([]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('# kubectl activity');
    expect(stdout).toContain('`kubectl delete secrets/s -n ns1`');
  });

  test('prints CSV', async () => {
    const { stdout } = await report(['-o', 'csv']);
    const rows = stdout
      .trim()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',').slice(4, 9).join(' '));
    expect(rows.sort()).toEqual([
      'alice kubectl delete secrets -n ns1 inferred 1 1',
      'alice kubectl get pods -n ns1 inferred 1 0',
      'bob kubectl get pods -n ns2 inferred 1 0',
    ]);
  });

  test('writes a page to a file', async () => {
    const path = await written(folder('report.html'), 'an older one');
    const { code, stdout } = await report(['-o', 'html', '--out', path]);
    expect([code, stdout]).toEqual([0, '']);
    expect(await readFile(path, 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
  });

  test('has people by kubectl, and with --all-clients by any client', async () => {
    const ofKubectl = await json();
    expect([ofKubectl.version, ofKubectl.people.map(({ name, requests }) => [name, requests])]).toEqual([
      1,
      [
        ['alice', 2],
        ['bob', 1],
      ],
    ]);
    expect(ofKubectl.blindSpots[0]).toContain('1 request of people came with clients other than kubectl');
    expect((await json('--all-clients')).people.map(({ requests }) => requests)).toEqual([2, 2]);
  });

  test('is of the days that are named; what the logs have before them is history', async () => {
    const whole = await json();
    const last = await json('--from', whole.period.to);
    expect(last.period).toEqual({ from: whole.period.to, to: whole.period.to });
    expect(last.people.map(({ name, firstSeen }) => [name, firstSeen?.length])).toEqual([['bob', 1]]);
    expect((await json('--to', whole.period.from)).people.map(({ name }) => name)).toEqual(['alice']);
  });

  test('is of one cluster, by name where the logs have several', async () => {
    const lines = linesOf([ask(ALICE, 'list pods ns1', KUBECTL), ask(BOB, 'list pods ns1', KUBECTL)]);
    const log = lines
      .map((line, index) =>
        JSON.stringify({ ...(JSON.parse(line) as object), site: index === 0 ? 'a' : 'b' }),
      )
      .join('\n');
    const many = await report(['--cluster-field', 'site'], log);
    expect([many.code, many.stderr]).toEqual([
      2,
      'error: a report is of one cluster: name it with --cluster (a, b)\n',
    ]);
    const one = await report(['--cluster-field', 'site', '--cluster', 'b', '-o', 'csv'], log);
    expect(one.stdout).toContain('bob');
    expect(one.stdout).not.toContain('alice');
  });

  test('hides names behind pseudonyms that depend on the key alone', async () => {
    const key = await written(folder('key'), 'a secret of 32 bytes, or so it is');
    const first = await report(['--pseudonyms', key, '-o', 'json']);
    const again = await report(['--pseudonyms', key, '-o', 'json']);
    const other = await report([
      '--pseudonyms',
      await written(folder('other'), 'another secret of about 32 bytes'),
      '-o',
      'json',
    ]);
    expect(first.stdout).not.toMatch(/alice|bob/);
    expect(first.stdout).toMatch(/"name": "person-[0-9a-f]{8}"/);
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  test('places hours in the time zone, summer time included', async () => {
    const at = (text: string) => ({ ...KUBECTL, receivedAtUs: Date.parse(text) * 1000 });
    const log = logOf([
      ask(ALICE, 'list pods ns1', at('2025-03-29T23:30:00Z')),
      ask(ALICE, 'list pods ns2', at('2025-03-30T01:30:00Z')),
    ]);
    const { stdout } = await report(['--time-zone', 'Europe/Berlin', '-o', 'json'], log);
    const { heat } = JSON.parse(stdout) as { heat: { day: string; requests: number[] }[] };
    expect(
      heat.map(({ day, requests }) => [day, requests.flatMap((count, hour) => (count > 0 ? [hour] : []))]),
    ).toEqual([['2025-03-30', [0, 3]]]);
  });

  test.each([
    [['--office-hours', '18-8'], '"18-8" is not office hours such as 8-18'],
    [['--office-hours', 'nine'], '"nine" is not office hours such as 8-18'],
    [['--time-zone', 'Mars/Olympus'], '"Mars/Olympus" is not a time zone such as Europe/Berlin'],
    [['--from', '2026-01-02', '--to', '2026-01-01'], '--from is after --to'],
    [['--pseudonyms', '/nowhere/key'], 'cannot read the key for pseudonyms'],
    [['--out', '/nowhere/report.md'], 'cannot write the report'],
    [['-o', 'pdf'], '"pdf" is not one of md, html, json, csv'],
  ])('%j ends with 2 and says why', async (args, message) => {
    const { code, stdout, stderr } = await report(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('a key that is too short is none', async () => {
    const { code, stderr } = await report(['--pseudonyms', await written(folder('short'), 'short')]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('at least 16 bytes')]);
  });

  test('without logs, or without events in them, it ends with 2', async () => {
    expect((await leastwise(['report', 'kubectl'])).code).toBe(2);
    const { code, stderr } = await report([], 'no event\n');
    expect([code, stderr]).toEqual([2, 'error: nothing to report: no audit events were read\n']);
  });

  test('says how many records could not be read, in the report too', async () => {
    const { code, stdout, stderr } = await report(
      [],
      `${LOG}{"kind":"Event","apiVersion":"audit.k8s.io/v1"\n`,
    );
    expect([code, stderr]).toEqual([0, 'warning: 1 record could not be read\n']);
    expect(stdout).toContain('1 record of the logs could not be read.');
  });
});
