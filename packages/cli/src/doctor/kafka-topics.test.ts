import type { TopicStanding } from '@leastwise/source-kafka';
import { describe, expect, test } from 'vitest';

import type { ConfiguredKafka } from './kafka-settings.ts';
import {
  type FoundTopics,
  groupVerdicts,
  keepingVerdicts,
  permissionVerdicts,
  topicVerdicts,
} from './kafka-topics.ts';
import type { Verdict } from './verdict.ts';

const HOUR_MS = 3_600_000;
const KAFKA: ConfiguredKafka = {
  connection: { brokers: ['k1:9092', 'k2:9092'] },
  groupId: 'leastwise',
  topics: ['audit'],
  keyedSuffix: '-keyed',
  written: ['dead'],
  pattern: undefined,
  principal: 'User:lw',
  dedupeHours: 2,
};

function standing(topic: string, more: Partial<TopicStanding> = {}): TopicStanding {
  return {
    topic,
    partitions: [
      { partition: 0, earliest: 10, latest: 100 },
      { partition: 1, earliest: 0, latest: 0 },
    ],
    keeping: { retentionMs: 72 * HOUR_MS, retentionBytes: undefined, isCompacted: false },
    ...more,
  };
}

function found(...topics: readonly TopicStanding[]): FoundTopics {
  return { byPattern: [], topics: new Map(topics.map((each) => [each.topic, each])) };
}

const told = (verdicts: readonly Verdict[]): string[] =>
  verdicts.map(({ outcome, what, says }) => `${outcome}: ${what}: ${says}`);

describe('the topics of an aggregator', () => {
  test('are told one by one, with the command that makes what is missing', () => {
    const verdicts = topicVerdicts(KAFKA, found(standing('audit'), standing('dead')));
    expect(told(verdicts)).toEqual([
      'ok: topic audit: it is read, and has 2 partitions',
      'failed: topic audit-keyed: it is read, and is not there, or its user may not describe it',
      'ok: topic dead: it is written, and has 2 partitions',
    ]);
    expect(verdicts[1]?.remedy).toContain(
      'kafka-topics.sh --bootstrap-server k1:9092,k2:9092 --create --if-not-exists --topic audit-keyed',
    );
  });

  test('by pattern are named, and have keyed ones too', () => {
    const byPattern = { ...found(standing('x-1'), standing('dead')), byPattern: ['x-1'] };
    expect(told(topicVerdicts({ ...KAFKA, topics: [], pattern: /x-.+/ }, byPattern))).toEqual([
      'ok: topics like x-.+: there is x-1',
      'ok: topic x-1: it is read, and has 2 partitions',
      'failed: topic x-1-keyed: it is read, and is not there, or its user may not describe it',
      'ok: topic dead: it is written, and has 2 partitions',
    ]);
    const none = topicVerdicts({ ...KAFKA, topics: [], pattern: /y/ }, found(standing('dead')));
    expect(told(none)).toContain('failed: topics like y: there is none, or its user may describe none');
  });

  test.each([
    [72 * HOUR_MS, undefined, 'ok', 'records are kept for 3 days, and copies are recognised for 2 h'],
    [2 * HOUR_MS, undefined, 'ok', 'records are kept for 2 hours, and copies are recognised for 2 h'],
    [undefined, 1024 ** 3, 'ok', /^records are kept for ever, and at most 1\S* GiB of each partition, /],
    [2 * HOUR_MS - 1, undefined, 'warning', /^records are kept for 1 hour: less than the 2 h .*dedupeHours/],
    [30_000, undefined, 'warning', /^records are kept for 30 seconds: /],
  ])('that keep records for %s ms and %s bytes', (retentionMs, retentionBytes, outcome, says) => {
    const keeping = { retentionMs, retentionBytes, isCompacted: false };
    const verdicts = keepingVerdicts(KAFKA, found(standing('audit', { keeping })));
    expect(verdicts).toMatchObject([{ outcome, what: 'retention of audit' }]);
    expect(verdicts[0]?.says).toMatch(says);
    if (outcome === 'warning')
      expect(verdicts[0]?.remedy).toMatch(/--entity-name audit --add-config retention\.ms=86400000$/);
  });

  test('that are compacted have failed, and those that we may not ask for are not judged', () => {
    const keeping = { retentionMs: undefined, retentionBytes: undefined, isCompacted: true };
    const compacted = keepingVerdicts(KAFKA, found(standing('audit', { keeping })));
    expect(compacted).toMatchObject([{ outcome: 'failed' }]);
    expect(compacted[0]?.remedy).toMatch(/cleanup\.policy=delete$/);
    const both = found(
      standing('audit', { keeping: undefined }),
      standing('audit-keyed', { keeping: undefined }),
    );
    expect(keepingVerdicts(KAFKA, both)).toEqual([
      {
        outcome: 'skipped',
        what: 'retention of audit, audit-keyed',
        says: 'its user may not ask for it',
        remedy:
          'kafka-acls.sh --bootstrap-server k1:9092,k2:9092 --add --allow-principal User:lw --operation DescribeConfigs --topic audit --topic audit-keyed lets it.',
      },
    ]);
  });
});

describe('the group of aggregators', () => {
  const both = found(standing('audit'), standing('audit-keyed'));

  test('that has read nothing has all that is kept before it', () => {
    expect(told(groupVerdicts(KAFKA, both, { members: 0, committed: new Map() }))).toEqual([
      'ok: group leastwise: it has read nothing yet, of 180 records, and has 0 members',
    ]);
  });

  test('that has read is behind by what is left', () => {
    const committed = new Map([
      ['audit/0', 70],
      ['audit-keyed/0', 100],
    ]);
    expect(told(groupVerdicts(KAFKA, both, { members: 2, committed }))).toEqual([
      'ok: group leastwise: it is 30 records behind, and has 2 members',
    ]);
  });

  test('that was too late is told of, with how much was deleted', () => {
    const committed = new Map([
      ['audit/0', 7],
      ['audit-keyed/0', 10],
    ]);
    expect(told(groupVerdicts(KAFKA, both, { members: 1, committed }))).toEqual([
      'ok: group leastwise: it is 180 records behind, and has 1 member',
      'warning: group leastwise: records were deleted before it told that it had read them: audit/0 (3)',
    ]);
  });
});

test('permissions are given by commands that are one word each where names are none', () => {
  const [read, write] = permissionVerdicts(
    { ...KAFKA, topics: ["a'; rm -rf ~"], principal: undefined },
    found(),
  );
  expect(read?.remedy).toBe(
    `kafka-acls.sh --bootstrap-server k1:9092,k2:9092 --add --allow-principal User:NAME --operation Read --operation Describe --topic 'a'\\''; rm -rf ~' --topic 'a'\\''; rm -rf ~-keyed' --group leastwise`,
  );
  expect(write?.remedy).toMatch(/--operation Write --operation Describe --topic '.*-keyed' --topic dead$/);
});
