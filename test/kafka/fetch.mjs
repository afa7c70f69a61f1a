#!/usr/bin/env node
// `fetch.mjs [--version VERSION]`: puts the jars of Apache Kafka from Maven Central into ~/.cache/leastwise-test, makes
// the archive of classes with which a broker starts in half the time, and prints the folder.
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { CACHE, need, say, underLock } from '../servers/build-once.mjs';

const KAFKA_VERSION = '4.1.1';
const LOCK_TIMEOUT_MS = 300_000;

/** The broker and a logger that writes to stderr: Kafka's own dependencies have none. */
const pom = (version) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.leastwise.test</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`;

function fetchJars(version, folder) {
  need('java', ['-version'], 'install a Java runtime, 17 or newer (Debian: default-jre-headless)');
  need('mvn', ['-v'], 'install Maven (Debian: maven)');
  say(`fetching Kafka ${version} from Maven Central (the first time takes a minute)`);
  const work = mkdtempSync(join(CACHE, `kafka-${version}-`));
  try {
    writeFileSync(join(work, 'pom.xml'), pom(version));
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=libs'];
    execFileSync('mvn', ['-q', '-B', ...copy], { cwd: work, stdio: ['ignore', 2, 2] });
    if (!readdirSync(join(work, 'libs')).includes(`kafka_2.13-${version}.jar`)) {
      throw new Error(`Maven delivered no Kafka ${version}`);
    }
    mkdirSync(folder, { recursive: true });
    rmSync(join(folder, 'libs'), { recursive: true, force: true });
    renameSync(join(work, 'libs'), join(folder, 'libs'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Runs a broker once and keeps the classes that it loaded, parsed and verified, for all that start after it. */
async function archiveClasses(folder) {
  say('making the archive of its classes');
  const work = mkdtempSync(join(tmpdir(), 'leastwise-kafka-'));
  try {
    const [port, controller] = [await freePort(), await freePort()];
    const properties = [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controller}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      'controller.listener.names=CONTROLLER',
      `log.dirs=${join(work, 'logs')}`,
      'offsets.topic.replication.factor=1',
      'log.cleaner.dedupe.buffer.size=4194304',
    ];
    const file = join(work, 'server.properties');
    writeFileSync(file, properties.join('\n'));
    // The archive holds only for the classpath with which it was made.
    const jars = readdirSync(join(folder, 'libs')).sort();
    const classpath = jars.map((jar) => join(folder, 'libs', jar)).join(':');
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', file];
    execFileSync('java', ['-cp', classpath, ...format], { stdio: 'ignore' });
    const archive = join(work, 'kafka.jsa');
    const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xlog:disable'];
    const broker = spawn(
      'java',
      [...flags, `-XX:ArchiveClassesAtExit=${archive}`, '-cp', classpath, 'kafka.Kafka', file],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => broker.once('exit', resolve).once('error', resolve));
    const killed = setTimeout(() => broker.kill('SIGKILL'), 90_000);
    while (broker.exitCode === null && broker.signalCode === null && !(await answers(port))) await sleep(200);
    await exercise(port).catch((error) => say(`the archive lacks what clients need: ${error.message}`));
    broker.kill('SIGTERM');
    await ended;
    clearTimeout(killed);
    if (!existsSync(archive)) throw new Error('Java wrote none');
    // Beside its final place first: the temporary folder may be another file system.
    const part = join(folder, `kafka.jsa.${process.pid}`);
    writeFileSync(part, readFileSync(archive));
    renameSync(part, join(folder, 'kafka.jsa'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Makes the broker load what it needs for a topic, a record and a group. */
async function exercise(port) {
  const { default: kafkajs } = await import('kafkajs');
  const client = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 500 },
  });
  const [admin, consumer] = [client.admin(), client.consumer({ groupId: 'warm' })];
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'warm', numPartitions: 1 }], waitForLeaders: true });
    await producer.connect();
    await producer.send({ topic: 'warm', messages: [{ value: 'warm' }] });
    await consumer.connect();
    await consumer.subscribe({ topic: 'warm', fromBeginning: true });
    await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('no record came back')), 20_000).unref();
      consumer.run({ eachMessage: async () => resolve() }).catch(reject);
    });
  } finally {
    await Promise.allSettled([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
  }
}

/** Fetches what is missing and returns the folder, with the jars in `libs` and, if it could be made, `kafka.jsa`. */
export async function fetchKafka(version = KAFKA_VERSION) {
  const folder = join(CACHE, `kafka-${version}`);
  mkdirSync(CACHE, { recursive: true });
  await underLock(`${folder}.lock`, LOCK_TIMEOUT_MS, async () => {
    if (!existsSync(join(folder, 'libs'))) fetchJars(version, folder);
    if (existsSync(join(folder, 'kafka.jsa'))) return;
    await archiveClasses(folder).catch((error) => say(`no archive, brokers start slower: ${error.message}`));
  });
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values } = parseArgs({ options: { version: { type: 'string' } } });
    process.stdout.write(`${await fetchKafka(values.version)}\n`);
  } catch (error) {
    say(`Kafka is not there: ${error.message}`);
    process.exitCode = 1;
  }
}
