import { describe, expect, test } from 'vitest';

import { colorsFor } from '../io.ts';
import type { ConfiguredKafka } from './kafka-settings.ts';
import {
  type FoundTopics,
  groupVerdicts,
  keepingVerdicts,
  permissionVerdicts,
  topicVerdicts,
} from './kafka-topics.ts';
import { factVerdicts } from './redis-facts.ts';
import { verdictTable } from './report.ts';
import type { Area, Verdict } from './verdict.ts';

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

const KAFKA: ConfiguredKafka = {
  connection: { brokers: ['kafka:9092'] },
  groupId: 'leastwise',
  topics: ['audit-events'],
  keyedSuffix: '-keyed',
  written: ['leastwise-dead-letters'],
  pattern: undefined,
  principal: 'User:leastwise-aggregator',
  dedupeHours: 2,
};
const keeping = { retentionMs: 3 * DAY_MS, retentionBytes: undefined, isCompacted: false };
const FOUND: FoundTopics = {
  byPattern: [],
  topics: new Map([
    [
      'audit-events',
      { topic: 'audit-events', partitions: [{ partition: 0, earliest: 5, latest: 90 }], keeping },
    ],
    [
      'audit-events-keyed',
      {
        topic: 'audit-events-keyed',
        partitions: [{ partition: 0, earliest: 0, latest: 0 }],
        keeping: { ...keeping, retentionMs: DAY_MS / 24 },
      },
    ],
  ]),
};
const GROUP = { members: 2, committed: new Map([['audit-events/0', 3]]) };
const REDIS = {
  prefix: 'leastwise:',
  settings: { mode: 'standalone' as const, nodes: ['redis:6379'], db: 0, tls: { enabled: false } },
};
const FACTS = {
  server: '',
  clockAheadMs: -45_000,
  usedBytes: 3.5 * GIB,
  maxBytes: 4 * GIB,
  refused: ['HSET'],
};

describe('what the doctor tells of a stream', () => {
  test('reads so', () => {
    const of = (area: Area, verdicts: readonly Verdict[]) => verdicts.map((each) => ({ area, ...each }));
    const told = [
      ...of('kafka', [
        ...topicVerdicts(KAFKA, FOUND),
        ...keepingVerdicts(KAFKA, FOUND),
        ...groupVerdicts(KAFKA, FOUND, GROUP),
        ...permissionVerdicts(KAFKA, FOUND),
      ]),
      ...of('redis', factVerdicts('Redis of the aggregator', FACTS, REDIS, 'aggregator')),
    ];
    expect(verdictTable(told, colorsFor(false, {}))).toMatchInlineSnapshot(`
      "ok       kafka  topic audit-events: it is read, and has 1 partition
      ok       kafka  topic audit-events-keyed: it is read, and has 1 partition
      FAILED   kafka  topic leastwise-dead-letters: it is written, and is not there, or its user may not describe it
                      → No service makes it, and its ACL must allow DESCRIBE: kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic leastwise-dead-letters
      ok       kafka  retention of audit-events: records are kept for 3 days, and copies are recognised for 2 h
      warning  kafka  retention of audit-events-keyed: records are kept for 1 hour: less than the 2 h for which copies are recognised (state.dedupeHours), and what Redis loses cannot be read again
                      → kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics --entity-name audit-events-keyed --add-config retention.ms=86400000
      ok       kafka  group leastwise: it is 85 records behind, and has 2 members
      warning  kafka  group leastwise: records were deleted before it told that it had read them: audit-events/0 (2)
                      → Raise retention.ms of the topics. leastwise state show --brokers says what the state lacks.
      skipped  kafka  permission to read records: it is not tried, for that would take a place in the group
                      → kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:leastwise-aggregator --operation Read --operation Describe --topic audit-events --topic audit-events-keyed --group leastwise
      skipped  kafka  permission to write records: it is not tried, for that would write
                      → kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:leastwise-aggregator --operation Write --operation Describe --topic audit-events-keyed --topic leastwise-dead-letters
      warning  redis  Redis of the aggregator, clock: it is 45 s behind ours
                      → Let NTP keep both: chronyc tracking says by how much each is off. Leases and alerts go by it.
      warning  redis  Redis of the aggregator, memory: it uses 3.5 GiB of 4.0 GiB (87 %)
                      → redis-cli CONFIG SET maxmemory 6442450944, where the machine has it; at 100 % aggregators stand still.
      FAILED   redis  Redis of the aggregator, permissions: its user may not use HSET on keys that begin with leastwise:
                      → redis-cli ACL SETUSER default '~leastwise:*' +hset

      4 ok, 4 warnings, 2 failed, 2 skipped
      "
    `);
  });
});
