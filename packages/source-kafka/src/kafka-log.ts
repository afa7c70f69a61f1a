import type { PartitionHandler, PartitionedLog } from '@leastwise/source';
import { LogError } from '@leastwise/source';
import { isRefusal, rootMessage, toLogError } from './failures.ts';
import { withDefaults } from './options.ts';
import type { KafkaLogOptions, KafkaWriterOptions } from './options.ts';
import { createOutage } from './outage.ts';
import { KafkaSession } from './session.ts';
import { refuseMissing } from './topics.ts';
import { createKafkaWriter } from './writer.ts';
import type { KafkaWriter } from './writer.ts';

/** A session that ends sooner proves nothing: one record that breaks the client would have it join for ever. */
const HEALTHY_MS = 30_000;

/**
 * A worker's part of Kafka topics, by the consumer group protocol. Connects when it is run or written to.
 *
 * Positions are the handler's alone: what Kafka has committed for the group is advice for tools, and never read.
 * Records of aborted transactions are left out.
 */
export function openKafkaLog(options: KafkaLogOptions): PartitionedLog {
  const settings = withDefaults(options);
  const writer = createKafkaWriter(settings);
  const closing = new AbortController();
  let session: KafkaSession | undefined;
  let running: Promise<void> | undefined;

  async function read(handler: PartitionHandler, signal: AbortSignal): Promise<void> {
    const outage = createOutage(settings.outageMs);
    let isFirst = true;
    while (!signal.aborted) {
      let healthySince: number | undefined;
      session = new KafkaSession({
        settings,
        handler,
        onHealthy() {
          healthySince ??= Date.now();
        },
        onMissing(missing) {
          // One that goes away later may come again: then it was made anew, and is refused for that.
          if (settings.missingTopics === 'refuse' && isFirst) refuseMissing(missing);
          isFirst = false;
        },
      });
      try {
        await session.run(signal);
        outage.over();
      } catch (error) {
        if (error instanceof LogError) throw error;
        if (isRefusal(error)) throw toLogError('refused', 'Kafka refuses us', error);
        if (Date.now() - (healthySince ?? Infinity) >= HEALTHY_MS) outage.over();
        settings.log('warn', 'reading is interrupted', { reason: rootMessage(error) });
        const waited = await outage.wait(signal);
        if (waited === 'too-long') {
          throw toLogError('unreachable', 'Kafka cannot be reached', error);
        }
      } finally {
        session = undefined;
      }
    }
  }

  return {
    writer,
    async run(handler, signal) {
      if (running !== undefined) throw new Error('the log is being read already');
      running = read(handler, AbortSignal.any([signal, closing.signal]));
      try {
        await running;
      } finally {
        running = undefined;
      }
    },
    progress: () => session?.progress() ?? [],
    async [Symbol.asyncDispose]() {
      closing.abort();
      await running?.catch(() => undefined);
      await writer[Symbol.asyncDispose]();
    },
  };
}

/** Appends to topics, without reading any. */
export function openKafkaWriter(options: KafkaWriterOptions): KafkaWriter {
  return createKafkaWriter(withDefaults({ groupId: '', topics: [], ...options }));
}
