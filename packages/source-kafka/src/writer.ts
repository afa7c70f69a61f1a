import kafkajs from 'kafkajs';
import type { Message, Producer } from 'kafkajs';
import { LogError } from '@leastwise/source';
import type { LogWriter, OutgoingRecord } from '@leastwise/source';
import { chunksOf, outgoingBytes } from './chunks.ts';
import { createClient } from './client.ts';
import { hasType, isRefusal, toLogError } from './failures.ts';
import type { KafkaLogSettings } from './options.ts';
import { createOutage } from './outage.ts';

/** A topic that was made a moment ago is not known everywhere. */
const UNKNOWN_TOPIC_TRIES = 4;
const TOO_LARGE: readonly string[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

/** A writer, and how it is closed. */
export interface KafkaWriter extends LogWriter, AsyncDisposable {}

/**
 * Appends to topics that exist. Records with the same key go to the same partition, the one that Java's default
 * partitioner gives them. Connects when it is first used.
 *
 * What fails for one partition of a broker is sent again for all partitions of it: records may be there twice after an
 * outage, or in a topic that was made a moment ago, whose partitions do not appear all at once.
 */
export function createKafkaWriter(settings: KafkaLogSettings): KafkaWriter {
  return new ProducerWriter(settings);
}

class ProducerWriter implements KafkaWriter {
  readonly #settings: KafkaLogSettings;
  readonly #closing = new AbortController();
  #connected: Promise<Producer> | undefined;

  constructor(settings: KafkaLogSettings) {
    this.#settings = settings;
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    for (const chunk of chunksOf(records, this.#settings.chunkBytes)) await this.#sendLasting(topic, chunk);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const producer = await this.#connected?.catch(() => undefined);
    await producer?.disconnect().catch(() => undefined);
  }

  async #sendLasting(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const outage = createOutage(this.#settings.outageMs);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#send(topic, records);
        return;
      } catch (error) {
        if (hasType(error, ...TOO_LARGE)) {
          await this.#sendHalves(topic, records, error);
          return;
        }
        const isUnknown = hasType(error, 'UNKNOWN_TOPIC_OR_PARTITION') && attempt >= UNKNOWN_TOPIC_TRIES;
        if (isUnknown || isRefusal(error)) {
          throw toLogError('refused', `${topic} cannot be written`, error);
        }
        if ((await outage.wait(this.#closing.signal)) !== 'waited') {
          throw toLogError('unreachable', `${topic} cannot be written`, error);
        }
      }
    }
  }

  async #sendHalves(topic: string, records: readonly OutgoingRecord[], cause: unknown): Promise<void> {
    const [first] = records;
    if (first !== undefined && records.length === 1) {
      const bytes = outgoingBytes(first);
      throw new LogError('refused', `${topic} takes no record of ${bytes} bytes (${nameOf(first)})`, {
        cause,
      });
    }
    const half = Math.ceil(records.length / 2);
    await this.#sendLasting(topic, records.slice(0, half));
    await this.#sendLasting(topic, records.slice(half));
  }

  async #send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const compression = compressionType(this.#settings.compression);
    const producer = await this.#producer();
    await producer.send({ topic, acks: -1, compression, messages: records.map(toMessage) });
  }

  #producer(): Promise<Producer> {
    this.#connected ??= this.#connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    return this.#connected;
  }

  async #connect(): Promise<Producer> {
    const producer = createClient(this.#settings, 'short').producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      idempotent: false,
      retry: { retries: 1 },
    });
    await producer.connect();
    return producer;
  }
}

function toMessage({ key, value, headers, timestampMs }: OutgoingRecord): Message {
  return {
    key: toBytes(key),
    value: toBytes(value),
    headers: { ...headers },
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  };
}

function toBytes(value: Uint8Array | string | null): Buffer | string | null {
  if (value === null || typeof value === 'string') return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** What a person can find a record by. What is in it may be anybody's: it is cut and quoted. */
function nameOf({ key, headers }: OutgoingRecord): string {
  const text =
    key === null ? 'no key' : `key ${JSON.stringify(Buffer.from(key).toString('utf8').slice(0, 64))}`;
  const origin = Object.entries(headers)
    .slice(0, 8)
    .map(([name, value]) => `${JSON.stringify(name.slice(0, 32))}: ${JSON.stringify(value.slice(0, 64))}`);
  return [text, ...origin].join(', ');
}

function compressionType(name: KafkaLogSettings['compression']): kafkajs.CompressionTypes {
  switch (name) {
    case 'none':
      return kafkajs.CompressionTypes.None;
    case 'gzip':
      return kafkajs.CompressionTypes.GZIP;
    case 'snappy':
      return kafkajs.CompressionTypes.Snappy;
    case 'lz4':
      return kafkajs.CompressionTypes.LZ4;
  }
}
