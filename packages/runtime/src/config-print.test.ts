import { inspect } from 'node:util';

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

import { configJsonSchema, durationMs, loadConfig, printConfig, secret, Secret, sizeBytes } from './index.ts';

const schema = z.strictObject({
  port: z.number().default(9090).describe('Where to listen.'),
  kafka: z.strictObject({
    brokers: z.array(z.string()),
    session: durationMs().default(90_000),
    maxBytes: sizeBytes().optional(),
  }),
  redis: z.strictObject({ password: secret(), note: z.string().optional() }),
  forges: z.array(z.strictObject({ url: z.string(), token: secret(), wait: durationMs() })).default([]),
});

const forges = '[{"url":"u","token":"hunter2","wait":"5s"}]';
const loaded = loadConfig({
  service: 'aggregator',
  schema,
  env: { LEASTWISE_AGGREGATOR_REDIS_PASSWORD: 'hunter2', LEASTWISE_AGGREGATOR_FORGES: forges },
  argv: ['--kafka.brokers=a,b', '--kafka.maxBytes=1024KiB', '--redis.note=redis://u:hunter2@h'],
});

test('a printed configuration says where each value came from, and hides secrets', () => {
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const text = printConfig(schema, loaded.value, loaded.origins);
  expect(text).toBe(`port: 9090 # default
kafka:
  # --kafka.brokers
  brokers:
    - a
    - b
  session: 1m30s # default
  maxBytes: 1MiB # --kafka.maxBytes
redis:
  password: "***" # LEASTWISE_AGGREGATOR_REDIS_PASSWORD
  note: redis://***@h # --redis.note
# LEASTWISE_AGGREGATOR_FORGES
forges:
  - url: u
    token: "***"
    wait: 5s
`);
  expect(schema.safeParse(parse(text)).success).toBe(true);
});

test('a secret prints as *** wherever it lands', () => {
  const value = new Secret('hunter2');
  const texts = [String(value), JSON.stringify({ value }), inspect({ value })];
  for (const text of texts) {
    expect(text).toContain('***');
    expect(text).not.toContain('hunter2');
  }
  expect(Object.keys(value)).toEqual([]);
  expect(value.reveal()).toBe('hunter2');
});

test('the JSON Schema is of the file: units as texts, files of secrets, nothing required but in lists', () => {
  const json = configJsonSchema(schema);
  expect(json).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: {
      port: { type: 'number', default: 9090, description: 'Where to listen.' },
      kafka: { properties: { session: { type: 'string', default: '1m30s' } } },
      redis: { properties: { password: { type: 'string' }, passwordFile: { type: 'string' } } },
      forges: { items: { required: ['url', 'wait'], properties: { tokenFile: { type: 'string' } } } },
    },
  });
  expect(json).not.toHaveProperty('required');
  expect(json).not.toHaveProperty('properties.kafka.required');
});
