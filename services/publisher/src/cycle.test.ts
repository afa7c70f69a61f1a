import { setTimeout as sleep } from 'node:timers/promises';

import {
  ForgeError,
  LeaseLostError,
  PromiseBrokenError,
  PublishError,
  type PullRequest,
  TeamFileError,
} from '@leastwise/publish';
import { StateError } from '@leastwise/state';
import { describe, expect, it } from 'vitest';

import { type Cycle, runOneCycle } from './cycle.ts';
import { AuditPolicyError } from './audit-policies.ts';
import { ExistingRbacError } from './existing.ts';
import { isUnfinished, resultOf } from './outcome.ts';
import { pullRequestStates } from './pull-request-states.ts';
import { BRANCH, fakeParts, fakeSource, leave, outcomeOf, push } from './testing/parts.ts';

const fine: Cycle = async () => outcomeOf([leave('up-to-date')]);
const failing =
  (error: unknown): Cycle =>
  () =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever it is
    Promise.reject(error);

const DRAFT = { branch: 'a', base: 'main', title: 't', body: 'b', labels: [], reviewers: [] };
const PULL: PullRequest = { ...DRAFT, number: 1, url: 'https://forge.example/1', state: 'open' };

describe('a cycle', () => {
  it('is done where everything is as planned', async () => {
    const { parts, series, lines } = fakeParts(fine);
    expect(await runOneCycle(parts)).toEqual({ result: 'done', retryAfterMs: 0, isUnfinished: false });
    expect(await series('cycles_total')).toEqual({ 'outcome="done"': 1 });
    const [seconds = 0] = Object.values(await series('last_success_timestamp_seconds'));
    expect(seconds).toBeGreaterThan(1_700_000_000);
    expect(seconds).toBeLessThan(100_000_000_000);
    expect(await series('pull_requests')).toEqual({ 'state="open"': 1 });
    expect(await series('plan_actions')).toEqual({ 'action="leave"': 1 });
    expect(lines.map(({ msg }) => msg)).toEqual(['done', 'cycle ended']);
  });

  it('gives its turn back, however it ends', async () => {
    const source = fakeSource();
    await runOneCycle(fakeParts(fine, { source }).parts);
    await runOneCycle(fakeParts(failing(new PublishError('x')), { source }).parts);
    await expect(runOneCycle(fakeParts(failing(new Error('bug')), { source }).parts)).rejects.toThrow('bug');
    expect(source.turn.ends).toBe(3);
  });

  it.each([
    [new ForgeError('unreachable', 'x'), 'outage'],
    [new ForgeError('rate-limited', 'x'), 'outage'],
    [new ForgeError('conflict', 'x'), 'outage'],
    [new ForgeError('unauthorized', 'x'), 'unauthorized'],
    [new ForgeError('not-found', 'x'), 'refused'],
    [new ForgeError('unexpected', 'x'), 'refused'],
    [new PublishError('x'), 'refused'],
    [new PromiseBrokenError([]), 'promise-broken'],
    [new TeamFileError([]), 'team-file'],
    [new ExistingRbacError(['x']), 'existing-rbac'],
    [new AuditPolicyError(['x']), 'audit-policy'],
  ] as const)('that fails with %s goes on, counted and logged: %s', async (error, result) => {
    const { parts, series, lines } = fakeParts(failing(error));
    expect(await runOneCycle(parts)).toMatchObject({ result });
    expect(await series('cycles_total')).toEqual({ [`outcome="${result}"`]: 1 });
    expect(await series('last_success_timestamp_seconds')).toEqual({});
    const expected = error instanceof ForgeError ? { [`failure="${error.failure}"`]: 1 } : {};
    expect(await series('forge_errors_total')).toEqual(expected);
    expect(lines[0]).toMatchObject({ level: result === 'outage' ? 'warn' : 'error' });
  });

  it('that fails with the state, or by a bug, ends the process', async () => {
    const broken = fakeSource({ read: () => Promise.reject(new StateError('damaged')) });
    await expect(runOneCycle(fakeParts(fine, { source: broken }).parts)).rejects.toThrow(StateError);
    const { parts, series } = fakeParts(failing(new TypeError('bug')));
    await expect(runOneCycle(parts)).rejects.toThrow(TypeError);
    expect(await series('cycles_total')).toEqual({});
  });

  it('tells when the forge wants to be asked again', async () => {
    const error = new ForgeError('rate-limited', 'x', { retryAfterMs: 1234 });
    expect(await runOneCycle(fakeParts(failing(error)).parts)).toEqual({
      result: 'outage',
      retryAfterMs: 1234,
    });
    const inPart: Cycle = async () => outcomeOf([push()], [{ result: 'failed', error }]);
    expect(await runOneCycle(fakeParts(inPart).parts)).toMatchObject({
      result: 'outage',
      retryAfterMs: 1234,
    });
  });

  it('stands by where another publisher has the lease, and does nothing', async () => {
    const source = fakeSource({ take: async () => ({ owner: 'host-a, process 7' }) });
    const { parts, lines, series } = fakeParts(failing(new Error('must not run')), { source });
    expect(await runOneCycle(parts)).toEqual({ result: 'standby' });
    expect(lines).toMatchObject([{ level: 'info', owner: 'host-a, process 7' }]);
    expect(await series('cycles_total')).toEqual({ 'outcome="standby"': 1 });
  });

  it('ends between two steps when it is told to stop, or the lease is lost', async () => {
    const steps: string[] = [];
    const between =
      (end: () => void): Cycle =>
      async (_, __, { onStep }) => {
        await onStep?.('push', BRANCH);
        steps.push('first');
        end();
        await onStep?.('open', BRANCH);
        steps.push('second');
        return outcomeOf([]);
      };
    const stopping = fakeParts(between(() => stopping.stop.abort()));
    expect(await runOneCycle(stopping.parts)).toEqual({ result: 'stopped' });
    const source = fakeSource();
    const losing = fakeParts(
      between(() => (source.turn.isHeld = false)),
      { source },
    );
    expect(await runOneCycle(losing.parts)).toEqual({ result: 'lease-lost' });
    expect(steps).toEqual(['first', 'first']);
    expect(losing.lines).toMatchObject([{ level: 'warn', msg: 'the cycle was ended: the lease is lost' }]);
  });

  it('ends in the middle of long work as well, and before it begins any', async () => {
    const { parts, stop } = fakeParts(async (_, __, { onProgress }) => {
      onProgress?.('infer', 0, 2);
      stop.abort();
      onProgress?.('infer', 1, 2);
      return outcomeOf([]);
    });
    expect(await runOneCycle(parts)).toEqual({ result: 'stopped' });
    expect(await runOneCycle({ ...parts, run: failing(new Error('must not run')) })).toEqual({
      result: 'stopped',
    });
  });

  it('is stopped while it waits for the state', async () => {
    const { parts, stop } = fakeParts(fine, {
      source: fakeSource({
        take: async (signal) => {
          await sleep(60_000, undefined, { signal }).catch(() => undefined);
          throw signal.reason;
        },
      }),
    });
    const ended = runOneCycle(parts);
    stop.abort(new DOMException('told to stop', 'AbortError'));
    expect(await ended).toEqual({ result: 'stopped' });
  });

  it('times what it renders and proves, also where it fails', async () => {
    const { parts, series, moves } = fakeParts(async (_, __, { onProgress }) => {
      for (const what of ['infer', 'verify'] as const) {
        onProgress?.(what, 0, 1);
        onProgress?.(what, 1, 1);
      }
      throw new PromiseBrokenError([]);
    });
    await runOneCycle(parts);
    expect(await series('render_seconds_count')).toEqual({ '': 1 });
    expect(await series('verify_seconds_count')).toEqual({ '': 1 });
    expect(moves.count).toBeGreaterThan(4);
  });

  it('tells what is withheld, what waits, and what wants a person', async () => {
    const { parts, series, lines } = fakeParts(async () =>
      outcomeOf([], [], {
        withheld: new Map([['system', 3]]),
        waiting: new Map([['too-new', 2]]),
        problems: Array.from({ length: 130 }, (_, i) => `problem ${i}`),
      }),
    );
    await runOneCycle(parts);
    expect(await series('withheld_subjects')).toEqual({ 'reason="system"': 3 });
    expect(await series('waiting_removals')).toEqual({ 'reason="too-new"': 2 });
    expect(lines.filter(({ msg }) => msg === 'wants a person')).toHaveLength(100);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'more problems than are told', rest: 30 }));
    // What is over is shown no more.
    await runOneCycle({ ...parts, run: fine });
    expect([await series('withheld_subjects'), await series('waiting_removals')]).toEqual([{}, {}]);
  });

  it('logs what was opened with its address, and what failed with the reason', async () => {
    const { parts, lines } = fakeParts(async () =>
      outcomeOf(
        [push(), push('leastwise/b'), leave('up-to-date', 'leastwise/c')],
        [{ pull: PULL }, { result: 'lease-lost', error: new LeaseLostError('somebody pushed') }],
        { failures: [new ForgeError('refused', 'no issues here')] },
      ),
    );
    expect(await runOneCycle(parts)).toMatchObject({ result: 'incomplete' });
    expect(lines).toMatchObject([
      { level: 'info', msg: 'done', branch: BRANCH, url: 'https://forge.example/1' },
      { level: 'warn', msg: 'not done', branch: 'leastwise/b', result: 'lease-lost' },
      { level: 'debug', msg: 'done', branch: 'leastwise/c' },
      { level: 'warn', msg: 'the forge did not take it' },
      { level: 'info', msg: 'cycle ended', actions: 3 },
    ]);
  });
});

describe('how a cycle ended', () => {
  const failed = (failure: ConstructorParameters<typeof ForgeError>[0]) => ({
    result: 'failed' as const,
    error: new ForgeError(failure, 'x'),
  });

  it.each([
    ['done', outcomeOf([push(), leave('declined', 'b')])],
    ['done', outcomeOf([])],
    ['incomplete', outcomeOf([push()], [{ result: 'lease-lost' }])],
    ['incomplete', outcomeOf([push()], [failed('refused')])],
    ['incomplete', outcomeOf([], [], { failures: [new ForgeError('refused', 'x')] })],
    ['outage', outcomeOf([push()], [failed('unreachable')])],
    ['outage', outcomeOf([push(), push('b')], [failed('refused'), failed('rate-limited')])],
    ['unauthorized', outcomeOf([push(), push('b')], [failed('unreachable'), failed('unauthorized')])],
    ['unauthorized', outcomeOf([], [], { failures: [new ForgeError('unauthorized', 'x')] })],
  ] as const)('%s', (result, outcome) => {
    expect(resultOf(outcome)).toBe(result);
  });

  it('goes on at once only where a commit was made that something waits for', () => {
    const waits = leave('overlap', 'b');
    expect(isUnfinished(outcomeOf([push('main'), waits]))).toBe(true);
    expect(isUnfinished(outcomeOf([waits]))).toBe(false);
    expect(isUnfinished(outcomeOf([push('main')]))).toBe(false);
    expect(isUnfinished(outcomeOf([push('main'), waits], [{ result: 'failed' }]))).toBe(false);
  });
});

describe('how branches stand', () => {
  const statesOf = (...of: Parameters<typeof outcomeOf>) =>
    Object.fromEntries(pullRequestStates(outcomeOf(...of), 'main'));

  it('is known of each that there is, and of none that has ended', () => {
    const sentence = '';
    expect(
      statesOf([
        push('a'),
        { action: 'open', branch: 'a', sentence, draft: DRAFT },
        { action: 'update', branch: 'b', sentence, number: 1, change: {} },
        { action: 'close', branch: 'c', sentence, number: 2, body: '', expected: undefined },
        { action: 'remove-branch', branch: 'd', sentence, expected: 'x' },
        leave('limit', 'e'),
        leave('declined', 'f'),
        leave('stopped', 'g'),
        push('leastwise/reports', 'main'),
      ]),
    ).toEqual({ a: 'open', b: 'open', e: 'waiting', f: 'declined', g: 'stopped' });
  });

  it('is failed wherever anything failed, also what was not tried', () => {
    const sentence = '';
    const open = { action: 'open', branch: 'a', sentence, draft: DRAFT } as const;
    expect(
      statesOf([push('a'), open, push('b')], [{}, { result: 'failed' }, { result: 'not-tried' }]),
    ).toEqual({
      a: 'failed',
      b: 'failed',
    });
  });
});
