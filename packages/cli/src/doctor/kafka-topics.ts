import type { GroupStanding, TopicKeeping, TopicStanding } from '@leastwise/source-kafka';

import { counted, formatBytes } from '../progress.ts';
import type { ConfiguredKafka } from './kafka-settings.ts';
import { shellWord } from './shell-word.ts';
import { failed, ok, skipped, type Verdict, warning } from './verdict.ts';

/** The topics of an aggregator, as its brokers have them. */
export interface FoundTopics {
  /** All that it reads and writes, by name. */
  readonly topics: ReadonlyMap<string, TopicStanding>;
  /** Names of those that its pattern finds, without keyed ones and dead letters. */
  readonly byPattern: readonly string[];
}

const HOUR_MS = 3_600_000;

/** The topics by which events come: those that are named, those that the pattern finds, and the keyed ones of both. */
export function readTopics({ topics, keyedSuffix }: ConfiguredKafka, { byPattern }: FoundTopics): string[] {
  const plain = [...new Set([...topics, ...byPattern])];
  return [...plain, ...plain.map((topic) => topic + keyedSuffix)];
}

/** What tells Kafka's tools where it is. */
function atServer({ connection }: ConfiguredKafka): string {
  return `--bootstrap-server ${shellWord(connection.brokers.join(','))}`;
}

/** Whether the topics are there. */
export function topicVerdicts(kafka: ConfiguredKafka, found: FoundTopics): Verdict[] {
  const verdict = (topic: string, use: string): Verdict => {
    const standing = found.topics.get(topic);
    return standing === undefined
      ? failed(
          `topic ${topic}`,
          `it is ${use}, and is not there, or its user may not describe it`,
          `No service makes it, and its ACL must allow DESCRIBE: kafka-topics.sh ${atServer(kafka)} --create --if-not-exists --topic ${shellWord(topic)}`,
        )
      : ok(`topic ${topic}`, `it is ${use}, and has ${counted(standing.partitions.length, 'partition')}`);
  };
  return [
    ...patternVerdicts(kafka, found),
    ...readTopics(kafka, found).map((topic) => verdict(topic, 'read')),
    ...kafka.written.map((topic) => verdict(topic, 'written')),
  ];
}

function patternVerdicts({ pattern }: ConfiguredKafka, { byPattern }: FoundTopics): Verdict[] {
  if (pattern === undefined) return [];
  const what = `topics like ${pattern.source}`;
  return byPattern.length === 0
    ? [
        failed(
          what,
          'there is none, or its user may describe none',
          'Look at kafka.topicPattern, which must fit the whole name, and at the ACLs: they must allow DESCRIBE.',
        ),
      ]
    : [ok(what, `there ${byPattern.length === 1 ? 'is' : 'are'} ${byPattern.join(', ')}`)];
}

/** For how long the topics that are read keep their records; those that do so alike are told together. */
export function keepingVerdicts(kafka: ConfiguredKafka, found: FoundTopics): Verdict[] {
  const alike = new Map<string, { readonly keeping: TopicKeeping | undefined; readonly topics: string[] }>();
  for (const topic of readTopics(kafka, found)) {
    const standing = found.topics.get(topic);
    if (standing === undefined) continue;
    const { keeping } = standing;
    const key = JSON.stringify(keeping ?? null);
    const group = alike.get(key) ?? { keeping, topics: [] };
    alike.set(key, group);
    group.topics.push(topic);
  }
  return [...alike.values()].map(({ keeping, topics }) => keepingVerdict(kafka, topics, keeping));
}

function keepingVerdict(
  kafka: ConfiguredKafka,
  topics: readonly string[],
  keeping: TopicKeeping | undefined,
): Verdict {
  const what = `retention of ${topics.join(', ')}`;
  const [first = ''] = topics;
  const alter = (setting: string): string =>
    `kafka-configs.sh ${atServer(kafka)} --alter --entity-type topics --entity-name ${shellWord(first)} --add-config ${setting}`;
  if (keeping === undefined) {
    return skipped(
      what,
      'its user may not ask for it',
      `${aclCommand(kafka, ['DescribeConfigs'], topics)} lets it.`,
    );
  }
  if (keeping.isCompacted) {
    return failed(
      what,
      'it is compacted: of several records with one key, as the stages of a request have it, all but the last are deleted',
      alter('cleanup.policy=delete'),
    );
  }
  const { dedupeHours } = kafka;
  if (keeping.retentionMs !== undefined && keeping.retentionMs < dedupeHours * HOUR_MS) {
    return warning(
      what,
      `${keptText(keeping)}: less than the ${dedupeHours} h for which copies are recognised (state.dedupeHours), and what Redis loses cannot be read again`,
      alter(`retention.ms=${24 * Math.ceil((2 * dedupeHours) / 24) * HOUR_MS}`),
    );
  }
  return ok(what, `${keptText(keeping)}, and copies are recognised for ${dedupeHours} h`);
}

/** `records are kept for 3 days`, with what else bounds them. */
function keptText({ retentionMs, retentionBytes }: TopicKeeping): string {
  const time = retentionMs === undefined ? 'for ever' : `for ${durationText(retentionMs)}`;
  const size =
    retentionBytes === undefined ? '' : `, and at most ${formatBytes(retentionBytes)} of each partition`;
  return `records are kept ${time}${size}`;
}

/** In the largest unit that it has one of. */
function durationText(ms: number): string {
  const units = [
    ['day', 24 * HOUR_MS],
    ['hour', HOUR_MS],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, unitMs] = units.find(([, each]) => ms >= each) ?? ['millisecond', 1];
  return counted(Math.floor(ms / unitMs), name);
}

/** How far the group has read, and whether records were deleted before it did. */
export function groupVerdicts(kafka: ConfiguredKafka, found: FoundTopics, group: GroupStanding): Verdict[] {
  const what = `group ${kafka.groupId}`;
  let [read, behind] = [0, 0];
  const deleted: string[] = [];
  for (const topic of readTopics(kafka, found)) {
    for (const { partition, earliest, latest } of found.topics.get(topic)?.partitions ?? []) {
      const name = `${topic}/${partition}`;
      const committed = group.committed.get(name);
      if (committed !== undefined) read += 1;
      behind += Math.max(0, latest - Math.max(committed ?? earliest, earliest));
      if (committed !== undefined && committed < earliest) {
        deleted.push(`${name} (${earliest - committed})`);
      }
    }
  }
  const records = counted(behind, 'record');
  const progress = read === 0 ? `it has read nothing yet, of ${records}` : `it is ${records} behind`;
  const verdict = ok(what, `${progress}, and has ${counted(group.members, 'member')}`);
  return deleted.length === 0
    ? [verdict]
    : [
        verdict,
        warning(
          what,
          `records were deleted before it told that it had read them: ${deleted.join(', ')}`,
          'Raise retention.ms of the topics. leastwise state show --brokers says what the state lacks.',
        ),
      ];
}

/** What only doing it would show, with the commands that allow it. */
export function permissionVerdicts(kafka: ConfiguredKafka, found: FoundTopics): Verdict[] {
  const read = readTopics(kafka, found);
  const plain = new Set([...kafka.topics, ...found.byPattern]);
  const written = [...read.filter((topic) => !plain.has(topic)), ...kafka.written];
  const group = `--group ${shellWord(kafka.groupId)}`;
  return [
    skipped(
      'permission to read records',
      'it is not tried, for that would take a place in the group',
      `${aclCommand(kafka, ['Read', 'Describe'], read)} ${group}`,
    ),
    skipped(
      'permission to write records',
      'it is not tried, for that would write',
      aclCommand(kafka, ['Write', 'Describe'], written),
    ),
  ];
}

function aclCommand(
  kafka: ConfiguredKafka,
  operations: readonly string[],
  topics: readonly string[],
): string {
  const words = [
    ...operations.map((operation) => `--operation ${operation}`),
    ...topics.map((topic) => `--topic ${shellWord(topic)}`),
  ];
  const principal = shellWord(kafka.principal ?? 'User:NAME');
  return `kafka-acls.sh ${atServer(kafka)} --add --allow-principal ${principal} ${words.join(' ')}`;
}
