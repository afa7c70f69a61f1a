import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { configSchema } from '@leastwise/aggregator';
import { loadConfig } from '@leastwise/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { blocksOf } from '../docs/markdown.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = 'deploy/fluent-bit/';

type Settings = Readonly<Record<string, string | number | boolean>>;

interface FluentBit {
  readonly service: Settings;
  readonly parsers?: readonly Settings[];
  readonly pipeline: {
    readonly inputs: readonly Settings[];
    readonly filters: readonly Settings[];
    readonly outputs: readonly Settings[];
  };
}

function read(path: string): FluentBit {
  return parse(readFileSync(`${ROOT}${path}`, 'utf8')) as FluentBit;
}

const NODES = ['kubeadm', 'k3s', 'rke2'].map((name) => `${FOLDER}${name}.yaml`);
const FILES = [...NODES, `${FOLDER}webhook.yaml`, 'deploy/compose/fluent-bit.yaml'];

/** Every setting that Fluent Bit's own pages and sources name, of those that are used: a typing error is none of them. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  service: [
    ...['flush', 'grace', 'log_level', 'http_server', 'http_listen', 'http_port', 'health_check'],
    ...['storage.path', 'storage.sync', 'storage.checksum', 'storage.max_chunks_up'],
    ...['storage.backlog.mem_limit', 'storage.metrics', 'scheduler.base', 'scheduler.cap'],
  ],
  tail: [
    ...['name', 'tag', 'path', 'parser', 'db', 'db.sync', 'db.locking', 'read_from_head', 'refresh_interval'],
    ...['rotate_wait', 'buffer_chunk_size', 'buffer_max_size', 'skip_long_lines', 'mem_buf_limit'],
    ...['storage.type', 'storage.pause_on_chunks_overlimit'],
  ],
  http: [
    ...['name', 'tag', 'listen', 'port', 'buffer_chunk_size', 'buffer_max_size', 'successful_response_code'],
    ...['storage.type', 'tls', 'tls.verify', 'tls.verify_client_cert', 'tls.ca_file', 'tls.crt_file'],
    'tls.key_file',
  ],
  lua: ['name', 'match', 'script', 'call', 'protected_mode', 'type_array_key'],
  record_modifier: ['name', 'match', 'remove_key', 'record'],
  kafka: [
    ...['name', 'match', 'brokers', 'topics', 'format', 'message_key_field', 'retry_limit'],
    ...['rdkafka.request.required.acks', 'rdkafka.compression.codec', 'rdkafka.message.max.bytes'],
    ...['rdkafka.message.timeout.ms', 'rdkafka.queue.buffering.max.messages'],
    ...['rdkafka.queue.buffering.max.kbytes', 'rdkafka.queue.buffering.max.ms'],
  ],
};

function namesOf(settings: readonly Settings[]): string[] {
  return settings.map(({ name }) => String(name));
}

test('all files for Fluent Bit are looked at', () => {
  const there = readdirSync(`${ROOT}${FOLDER}`).filter((name) => name.endsWith('.yaml'));
  expect(there.map((name) => `${FOLDER}${name}`).sort()).toEqual(
    FILES.filter((path) => path.startsWith(FOLDER)).sort(),
  );
});

describe.each(FILES)('%s', (path) => {
  const { service, parsers = [], pipeline } = read(path);
  const { inputs, filters, outputs } = pipeline;

  test('uses only settings that there are', () => {
    expect(KNOWN['service']).toEqual(expect.arrayContaining(Object.keys(service)));
    for (const each of [...inputs, ...filters, ...outputs]) {
      expect(KNOWN[String(each['name'])], String(each['name'])).toEqual(
        expect.arrayContaining(Object.keys(each)),
      );
    }
  });

  test('keeps what it has read in files, and is asked how it is', () => {
    expect(service['storage.path']).toMatch(/^\/var\/lib\//);
    for (const input of inputs) expect(input['storage.type']).toBe('filesystem');
    expect(service).toMatchObject({ http_server: true, health_check: true, 'storage.metrics': true });
    expect(Number(service['scheduler.cap'])).toBeLessThanOrEqual(60);
  });

  test('reads a log over restarts and rotations, and long lines with the others', () => {
    for (const tail of inputs.filter(({ name }) => name === 'tail')) {
      expect(tail).toMatchObject({
        read_from_head: true,
        skip_long_lines: true,
        buffer_max_size: '4M',
        'storage.pause_on_chunks_overlimit': true,
      });
      expect(tail['path']).toMatch(/\/audit\*\.log$/);
      expect(tail['db']).toMatch(/^\/var\/lib\//);
      expect(parsers).toContainEqual({ name: tail['parser'], format: 'json' });
    }
  });

  test('sends every event with its auditID as key, until Kafka has it', () => {
    expect(outputs).toHaveLength(1);
    expect(outputs[0]).toMatchObject({
      name: 'kafka',
      format: 'json',
      message_key_field: 'auditID',
      retry_limit: 'no_limits',
      'rdkafka.request.required.acks': -1,
      'rdkafka.message.timeout.ms': 0,
      'rdkafka.compression.codec': 'lz4',
    });
  });

  test('takes no record that the topic refuses, and every line that it reads', () => {
    const most = Number(outputs[0]?.['rdkafka.message.max.bytes']);
    const topics = readFileSync(`${ROOT}deploy/compose/kafka-topics.sh`, 'utf8');
    const [, topic] = /audit-events --partitions 6 --config max\.message\.bytes=(\d+)/.exec(topics) ?? [];
    expect(most).toBe(Number(topic));
    expect(most).toBeGreaterThan(4 * 1024 * 1024);
  });

  test('says itself of which cluster an event is, after everything else, and takes away what came', () => {
    expect(filters.at(-1)).toEqual({
      name: 'record_modifier',
      match: 'audit.*',
      remove_key: 'cluster',
      record: 'cluster ${CLUSTER_NAME}',
    });
  });

  test('matches the tags of all its inputs', () => {
    for (const { tag } of inputs) expect(tag).toMatch(/^audit\.\w+$/);
    expect(outputs[0]?.['match']).toBe('audit.*');
  });

  test('splits the lists of the webhook before anything else', () => {
    const webhook = inputs.find(({ name }) => name === 'http');
    expect(namesOf(filters).includes('lua')).toBe(webhook !== undefined);
    if (webhook === undefined) return;
    expect(filters[0]).toMatchObject({
      name: 'lua',
      match: webhook['tag'],
      script: '/etc/fluent-bit/eventlist.lua',
      call: 'split',
      type_array_key: 'groups sourceIPs',
    });
  });
});

test('the configurations of nodes differ in where the log is, and in nothing else', () => {
  const paths = NODES.map((path) => String(read(path).pipeline.inputs[0]?.['path']));
  expect(new Set(paths).size).toBe(NODES.length);
  const [first, ...others] = NODES.map((path, index) => ({
    ...read(path),
    text: readFileSync(`${ROOT}${path}`, 'utf8')
      .split('\n')
      .slice(1)
      .join('\n')
      .replace(paths[index] ?? '', 'LOG'),
  }));
  for (const other of others) expect(other.text).toBe(first?.text);
});

test('each log is where the page about audit logs puts it', () => {
  const guide = readFileSync(`${ROOT}docs/audit-logs.md`, 'utf8');
  for (const path of NODES) {
    const log = String(read(path).pipeline.inputs[0]?.['path']).replace('*', '');
    expect(guide, path).toContain(log);
  }
});

test('a webhook that is reachable from elsewhere asks for a certificate', () => {
  const [http] = read(`${FOLDER}webhook.yaml`).pipeline.inputs;
  expect(http).toMatchObject({ tls: true, 'tls.verify': true, 'tls.verify_client_cert': true });
});

describe('what the page tells aggregators without Fluent Bit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leastwise-fluent-bit-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const blocks = blocksOf(readFileSync(`${ROOT}docs/fluent-bit.md`, 'utf8'))
    .filter(({ language }) => language === 'yaml')
    .map(({ line, lines }) => [line, lines.join('\n')] as const);

  test('is there for two providers', () => {
    expect(blocks).toHaveLength(2);
  });

  test.each(blocks)('is a good configuration: line %i', (_, text) => {
    writeFileSync(join(folder, 'password'), 'x');
    const file = join(folder, 'aggregator.yaml');
    writeFileSync(file, text.replace(/\/run\/secrets\/[\w-]+/, join(folder, 'password')));
    const config = loadConfig({
      service: 'aggregator',
      schema: configSchema,
      env: {},
      argv: [`--config=${file}`],
    });
    expect(config.ok ? [] : config.problems).toEqual([]);
  });
});

const hasFluentBit = await run('fluent-bit', ['--version']).then(
  () => true,
  () => false,
);
if (!hasFluentBit)
  console.warn('fluent-bit is not installed: no configuration of it was tried by Fluent Bit itself');

describe.skipIf(!hasFluentBit)('Fluent Bit itself', () => {
  test.each(FILES)('takes %s', async (path) => {
    const env = { ...process.env, CLUSTER_NAME: 'prod', KAFKA_BROKERS: '127.0.0.1:1' };
    await run('fluent-bit', ['--dry-run', '-c', `${ROOT}${path}`], { env });
  });
});
