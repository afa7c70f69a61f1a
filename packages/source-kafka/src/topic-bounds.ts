import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { partitionName } from '@leastwise/source';
import type { Partition } from '@leastwise/source';
import { isRefusal } from './failures.ts';
import type { Bounds } from './reader-host.ts';

/** The ends of the partitions of topics. One question to the brokers serves all partitions that ask at about the same time. */
export interface TopicBounds {
  /** `isFresh`: asked for now. Otherwise the answer may be a second old. */
  of(partition: Partition, isFresh: boolean): Promise<Bounds>;
  /** Of all partitions of a topic, asked for now. */
  ofTopic(topic: string): Promise<ReadonlyMap<number, Bounds>>;
}

const SHARED_MS = 1000;
/** Leaders change within seconds. */
const TRIES = 5;
const TRY_AGAIN_MS = 500;

/** Asks by way of `admin`. */
export function createTopicBounds(
  admin: Pick<Admin, 'fetchTopicOffsets'>,
  now: () => number = Date.now,
): TopicBounds {
  const shared = new Map<
    string,
    { readonly at: number; readonly answer: Promise<ReadonlyMap<number, Bounds>> }
  >();

  async function ask(topic: string): Promise<ReadonlyMap<number, Bounds>> {
    const partitions = await admin.fetchTopicOffsets(topic);
    return new Map(
      partitions.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
    );
  }

  function ofTopic(topic: string): Promise<ReadonlyMap<number, Bounds>> {
    const answer = ask(topic);
    answer.catch(() => shared.delete(topic));
    shared.set(topic, { at: now(), answer });
    return answer;
  }

  return {
    ofTopic,
    async of(partition, isFresh) {
      const earlier = shared.get(partition.topic);
      const isUsable = !isFresh && earlier !== undefined && now() - earlier.at < SHARED_MS;
      const answer = await (isUsable ? earlier.answer : lastingly(() => ofTopic(partition.topic)));
      const found = answer.get(partition.partition);
      if (found === undefined) throw new Error(`${partitionName(partition)} is not there`);
      return found;
    },
  };
}

async function lastingly<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === TRIES || isRefusal(error)) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  }
}
