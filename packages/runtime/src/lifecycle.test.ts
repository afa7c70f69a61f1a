import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { createLog, refuseConfig, runService } from './index.ts';
import type { RunningService, ServiceOptions } from './index.ts';
import { javascriptOf } from './testing/javascript.ts';

class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  readonly exits: number[] = [];

  exit(code: number): void {
    this.exits.push(code);
  }
}

function service(options: Partial<ServiceOptions> = {}) {
  const host = new FakeProcess();
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    name: 'test',
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const events: string[] = [];
  const start = async (): Promise<RunningService> => ({
    [Symbol.asyncDispose]: async () => void events.push('disposed'),
  });
  const done = runService({ name: 'test', log, start, shutdownMs: 1000, process: host, ...options });
  return { host, lines, events, done };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('with a process of the test’s own', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each(['SIGTERM', 'SIGINT'])('%s stops gracefully: 0, without a call of exit', async (signal) => {
    const { host, events, done, lines } = service();
    await settle();
    expect(events).toEqual([]);
    host.emit(signal);
    await done;
    expect(events).toEqual(['disposed']);
    expect(host).toMatchObject({ exitCode: 0, exits: [] });
    expect(lines.map((line) => line['msg'])).toEqual(['started', 'stopping', 'stopped']);
  });

  test('a second signal exits with 1 at once', async () => {
    const { host } = service({
      start: async () => ({ [Symbol.asyncDispose]: () => new Promise(() => undefined) }),
    });
    await settle();
    host.emit('SIGTERM');
    await settle();
    expect(host.exits).toEqual([]);
    host.emit('SIGINT');
    expect(host.exits).toEqual([1]);
  });

  test('a stop that outlasts its time exits with 1', async () => {
    const { host } = service({
      start: async () => ({ [Symbol.asyncDispose]: () => new Promise(() => undefined) }),
    });
    await settle();
    host.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(999);
    expect(host.exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(host.exits).toEqual([1]);
  });

  test('so does a start that never ends after a signal; one that heeds the signal is a clean stop', async () => {
    const stuck = service({ start: () => new Promise(() => undefined) });
    stuck.host.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(1000);
    expect(stuck.host.exits).toEqual([1]);
    const heeding = service({
      start: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    });
    heeding.host.emit('SIGTERM');
    await heeding.done;
    expect(heeding.host).toMatchObject({ exitCode: 0, exits: [] });
  });

  test.each([
    [new Error('x'), 1],
    [Object.assign(new Error('x'), { exitCode: 3 }), 3],
    [Object.assign(new Error('x'), { exitCode: 0 }), 1],
    [Object.assign(new Error('x'), { exitCode: 2.5 }), 1],
    [Object.assign(new Error('x'), { exitCode: 'many' }), 1],
    ['no error at all', 1],
  ])('a start that fails is said with its cause, exit code %#', async (error, code) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a library may throw anything
    const { host, lines, done } = service({ start: () => Promise.reject(error) });
    await done;
    expect(host).toMatchObject({ exitCode: code, exits: [] });
    expect(lines[0]).toMatchObject({ level: 'fatal', msg: 'service failed' });
    expect(JSON.stringify(lines[0]?.['err'])).toContain(
      error instanceof Error ? '"message":"x"' : 'no error',
    );
  });

  test('a failure at work, one while draining, and one of the drain itself are failures', async () => {
    const atWork = service({
      start: async () => ({
        ended: Promise.reject(Object.assign(new Error('lost'), { exitCode: 4 })),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    });
    await atWork.done;
    expect(atWork.host.exitCode).toBe(4);
    let lose: (error: Error) => void = () => undefined;
    const ended = new Promise<void>((_, reject) => {
      lose = reject;
    });
    const draining = service({
      start: async () => ({
        ended,
        async [Symbol.asyncDispose]() {
          lose(new Error('lost'));
          throw new Error('not drained');
        },
      }),
    });
    await settle();
    draining.host.emit('SIGTERM');
    await draining.done;
    expect(draining.host.exitCode).toBe(1);
    expect(draining.lines.filter((line) => line['level'] === 'fatal')).toHaveLength(2);
  });

  test('a failure is said before a drain that never ends', async () => {
    const { host, lines } = service({
      start: async () => ({
        ended: Promise.reject(new Error('lost')),
        [Symbol.asyncDispose]: () => new Promise(() => undefined),
      }),
    });
    await settle();
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'lost' } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(host.exits).toEqual([1]);
  });

  test('a service whose work is done ends with 0', async () => {
    const { host, done } = service({
      start: async () => ({ ended: Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() }),
    });
    await done;
    expect(host.exitCode).toBe(0);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('%s is said and exits with 1', async (event) => {
    const { host, lines } = service();
    await settle();
    host.emit(event, new Error('stray'));
    expect(host.exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', event, err: { message: 'stray' } });
  });

  test('a bad configuration is said on standard error, and is 78', () => {
    const texts: string[] = [];
    const host = { exitCode: 0, stderr: { write: (text: string) => texts.push(text) } };
    refuseConfig(['a', 'b'], host);
    expect([texts.join(''), host.exitCode]).toEqual(['bad configuration:\n  a\n  b\n', 78]);
  });
});

describe('as a process', () => {
  let folder: string;
  let fixture: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leastwise-runtime-'));
    fixture = await javascriptOf(new URL('./testing/service.ts', import.meta.url), folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const children = new Set<ChildProcess>();
  afterEach(() => {
    // A test that failed may have left one.
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });

  /** Runs to the end, sending one signal when it has started, and another when it is stopping. */
  async function run(args: readonly string[], ...signals: NodeJS.Signals[]) {
    const child = spawn(process.execPath, [fixture, ...args]);
    children.add(child);
    const texts = { out: '', err: '' };
    const cues = ['"msg":"started"', '"msg":"stopping"'];
    child.stdout.on('data', (data: Buffer) => {
      texts.out += data.toString();
      while (signals.length > 0 && texts.out.includes(cues[0] ?? '')) {
        cues.shift();
        child.kill(signals.shift());
      }
    });
    child.stderr.on('data', (data: Buffer) => (texts.err += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  }

  test.each(['SIGTERM', 'SIGINT'] as const)('%s gives 0, and the process ends by itself', async (signal) => {
    const { code, out, err } = await run(['--mode=well'], signal);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('"msg":"stopped"');
  });

  test.each([
    ['hang', 'stopping took too long'],
    ['hang-idle', 'stopping took too long'],
    ['leak', 'something was left open'],
  ])('%s gives 1 at the deadline', async (mode, message) => {
    const { code, out } = await run([`--mode=${mode}`, '--shutdown=300ms'], 'SIGTERM');
    expect(code).toBe(1);
    expect(out).toContain(message);
  });

  test('a second signal gives 1 at once', async () => {
    const { code, out } = await run(['--mode=hang'], 'SIGTERM', 'SIGINT');
    expect(code).toBe(1);
    expect(out).toContain('a second signal');
    expect(out).not.toContain('took too long');
  });

  test.each([
    ['fail', 1, 'the cause'],
    // Its start left a server open: the code is kept though the process has to be ended.
    ['fail-with-code', 3, 'no start'],
    ['fail-later', 1, 'lost'],
    ['throw', 1, 'uncaughtException'],
    ['reject', 1, 'unhandledRejection'],
  ])('%s gives %i, and its last words are in the log', async (mode, exitCode, words) => {
    const { code, out } = await run([`--mode=${mode}`, '--shutdown=300ms']);
    expect(code).toBe(exitCode);
    expect(out.split('\n').find((line) => line.includes('"level":"fatal"'))).toContain(words);
  });

  test('a bad configuration gives 78', async () => {
    const { code, err, out } = await run(['--mode=loud']);
    expect({ code, out }).toEqual({ code: 78, out: '' });
    expect(err).toMatch(/^bad configuration:\n {2}--mode: mode: expected one of "well"/);
  });
});
