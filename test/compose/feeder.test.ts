import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

const FEEDER = fileURLToPath(new URL('../../deploy/compose/feeder.mjs', import.meta.url));
const NOW = Date.parse('2026-11-22T12:00:00.000Z');

interface Event {
  readonly auditID: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** Calls a function of the feeder, which is a script and has no types. */
function call(name: string, ...args: readonly unknown[]): unknown {
  const list = JSON.stringify(args).slice(1, -1);
  const script = `import * as feeder from ${JSON.stringify(FEEDER)};
    console.log(JSON.stringify(feeder.${name}(${list})));`;
  const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  return JSON.parse(told) as unknown;
}

describe('the recording that the feeder plays', () => {
  const event = (auditID: string, received: string, at: string): Event => ({
    ...{ auditID, requestReceivedTimestamp: `2026-01-01T${received}Z`, stageTimestamp: `2026-01-01T${at}Z` },
  });
  const recording = [
    event('a', '00:00:00.000001', '00:00:00.000001'),
    event('a', '00:00:00.000001', '00:00:03.500002'),
    event('b', '00:18:00.250999', '00:18:00.251000'),
  ];
  const moved = call('movedToNow', recording, NOW) as Event[];

  test('ends now, and keeps its length and its microseconds', () => {
    expect(moved.map((each) => each.requestReceivedTimestamp)).toEqual([
      ...['2026-11-22T11:41:59.750001Z', '2026-11-22T11:41:59.750001Z', '2026-11-22T12:00:00.000999Z'],
    ]);
    expect(moved[1]?.stageTimestamp).toBe('2026-11-22T11:42:03.250002Z');
  });

  test('has new auditIDs, one for all stages of a request', () => {
    const ids = moved.map(({ auditID }) => auditID);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set([...ids, 'a', 'b']).size).toBe(4);
  });

  test('is a list without kind and version in its items, as the API server sends it', () => {
    const batch = call('batchOf', [{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'a' }]);
    expect(batch).toEqual({
      ...{ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {} },
      items: [{ auditID: 'a' }],
    });
  });
});
