import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';

import { expect, test } from 'vitest';

import { interruptedExit, stopOnSignals } from './stop-signals.ts';
import { ownFolder, started } from './testing/command.ts';

const folder = ownFolder();

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s asks to stop, and is known by exit code %i', (name, code) => {
  const source = new EventEmitter();
  const ends: number[] = [];
  const signal = stopOnSignals(source, (exitCode) => ends.push(exitCode));
  expect(signal.aborted).toBe(false);
  source.emit(name);
  expect([signal.aborted, signal.reason, interruptedExit(signal), ends]).toEqual([true, name, code, []]);
});

test.each([
  ['SIGINT', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
  ['SIGTERM', 'SIGINT', 130],
  ['SIGTERM', 'SIGTERM', 143],
])('a second signal ends at once: %s, %s', (first, second, code) => {
  const source = new EventEmitter();
  const ends: number[] = [];
  stopOnSignals(source, (exitCode) => ends.push(exitCode));
  source.emit(first);
  source.emit(second);
  expect(ends).toEqual([code]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('a reading that %s interrupts ends with %i', async (name, code) => {
  for (const words of [
    ['generate', '--all', '-f', '-'],
    ['run', '--out', folder(), '-f', '-'],
  ]) {
    // An input that never comes to its end.
    const running = started(words, new Readable({ read: () => undefined }));
    running.stop(name);
    const outcome = await running.ended;
    expect([outcome.code, outcome.stdout]).toEqual([code, '']);
    expect(outcome.stderr).toContain('interrupted');
  }
});
