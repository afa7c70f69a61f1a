import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { SERVER_CACHE } from './child.ts';

/** The version that tests run against where they do not say another one; `LEASTWISE_TEST_KAFKA_VERSION` says it for all. */
export const KAFKA_VERSION = process.env['LEASTWISE_TEST_KAFKA_VERSION'] ?? '4.1.1';

const JAVA_NEEDED = 17;
const FETCH = fileURLToPath(new URL('../../../../test/kafka/fetch.mjs', import.meta.url));

/** Kafka as Java takes it: flags that name the classpath. */
export interface KafkaInstall {
  readonly version: string;
  readonly flags: readonly string[];
}

/**
 * Kafka's jars from the cache, fetched by `test/kafka/fetch.mjs` where they are not there yet.
 * @throws Error where they cannot be had, about which the script says more on stderr, or where Java is missing
 */
export async function kafkaInstall(version = KAFKA_VERSION): Promise<KafkaInstall> {
  await checkJava();
  const folder = join(SERVER_CACHE, `kafka-${version}`);
  const libs = join(folder, 'libs');
  if (!existsSync(libs)) await fetchKafka(version);
  // The archive of classes holds for exactly the classpath it was made with: all jars in this order.
  const jars = (await readdir(libs)).sort().map((jar) => join(libs, jar));
  const archive = join(folder, 'kafka.jsa');
  return {
    version,
    flags: [
      ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []),
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      jars.join(':'),
    ],
  };
}

async function checkJava(): Promise<void> {
  const found = await promisify(execFile)('java', ['-version']).catch(() => ({ stderr: '' }));
  const major = Number(/version "(\d+)/.exec(found.stderr)?.[1] ?? 0);
  if (major >= JAVA_NEEDED) return;
  const what = major === 0 ? 'there is none on the path' : `there is ${major}`;
  throw new Error(`Kafka needs Java ${JAVA_NEEDED} or newer; ${what}`);
}

/** Not synchronous: a test runner takes a worker that is silent for a minute for dead. */
function fetchKafka(version: string): Promise<void> {
  process.stderr.write(`Kafka ${version} is not in ${SERVER_CACHE}: running test/kafka/fetch.mjs\n`);
  const child = spawn(process.execPath, [FETCH, '--version', version], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Kafka ${version} could not be fetched: test/kafka/fetch.mjs says why`));
    });
  });
}
